//! People who are signed in: who asks, as the directory knows it, and the sign-in with
//! the operator key, for deployments without an identity provider.
//!
//! Such a sign-in is a cookie with a secret, of which the directory of the first
//! workspace keeps the digest until it ends. It stands for the operator key and so
//! holds in each workspace.

use crate::actor::{Actor, SIGN_IN_COOKIE};
use crate::answer::Answer;
use crate::api::Api;
use crate::asker::Asker;
use crate::config::Config;
use crate::conversation::{Conversation, Entropy, Stop, misunderstood};
use crate::digest::Digest;
use crate::directory::{Command, Reply, Task};
use crate::hex;
use crate::identity::Identity;
use crate::json::Object;
use crate::lifecycle::User;
use crate::management::{Call, Request};
use crate::origin;
use crate::problem::{Code, Problem};

/// Whoever asks, as the directory knows it.
pub(crate) fn known(conversation: &Conversation<'_>, request: &Request) -> Result<Actor, Stop> {
    let mut actor = request.actor.clone();
    let asker = Asker::new(&actor, request.source.clone());
    match &mut actor {
        Actor::Operator { sign_in, .. } => {
            if let Some(digest) = *sign_in {
                match at_home(conversation, asker, Task::CheckSignIn { digest }) {
                    // Of one that has ended, there is nothing left to end.
                    Err(Stop::Refused(problem))
                        if problem.status == 401 && matches!(request.call, Call::SignOut) =>
                    {
                        *sign_in = None;
                    }
                    checked => checked?,
                }
            }
        }
        Actor::User(user) => {
            let workspace = user.workspace.clone();
            let task = Task::Recognise {
                subject: user.uid.clone(),
                email: user.email.clone(),
            };
            let reply = conversation.ask_directory(&workspace, &Command { asker, task })?;
            let Reply::Users(found) = reply else {
                return Err(misunderstood().into());
            };
            let User { uid, email } = found.into_iter().next().ok_or_else(misunderstood)?;
            (user.uid, user.email) = (uid, email);
        }
        _ => {}
    }
    Ok(actor)
}

impl Api<'_> {
    /// Signs the holder of the operator key in.
    pub(crate) fn sign_in(&self) -> Result<Answer, Stop> {
        if self.conversation.inputs.config.identity.is_some() {
            let detail = "people sign in by the identity provider here";
            return Err(Problem::invalid_request(detail).into());
        }
        if !matches!(self.actor, Actor::Operator { sign_in: None, .. }) {
            let detail = "send the operator key itself: a sign-in does not prolong another";
            return Err(Problem::new(403, Code::ScopeInsufficient, detail).into());
        }
        let Entropy(random, _) = self.conversation.inputs.entropy;
        let secret = hex::encode(random.get(..32).unwrap_or_default());
        let task = Task::SignIn {
            digest: digest(&secret, self.conversation.inputs.config),
            until: self.now().plus(LIFETIME),
        };
        at_home(&self.conversation, self.asker.clone(), task)?;
        let cookie = format!("{SIGN_IN_COOKIE}={secret}; {ATTRIBUTES}; Max-Age={LIFETIME}");
        Ok(Answer::empty(204).header("set-cookie", cookie))
    }

    /// Ends the sign-in of whoever asks, if it is one.
    pub(crate) fn sign_out(&self) -> Result<Answer, Stop> {
        if let Actor::Operator {
            sign_in: Some(digest),
            ..
        } = self.actor
        {
            let task = Task::SignOut { digest: *digest };
            at_home(&self.conversation, self.asker.clone(), task)?;
        }
        Ok(without_cookie(Answer::empty(204)))
    }

    /// Tells whoever asks who that is.
    pub(crate) fn who(&self) -> Answer {
        let config = self.conversation.inputs.config;
        let mut json = Object::default();
        let user = self.actor.user().map(|(uid, email)| {
            let mut user = Object::default();
            user.text("id", uid);
            let email = Some(email).filter(|email| !email.is_empty());
            user.text_or_null("email", email);
            user.finish()
        });
        json.raw("user", user.as_deref().unwrap_or("null"));
        json.text("workspace", self.actor.workspace());
        json.text(
            "role",
            if self.actor.is_admin() {
                "admin"
            } else {
                "user"
            },
        );
        json.text("signIn", way(config));
        // What has a workspace of its own can name no other.
        let own = match self.actor {
            Actor::Operator { .. } => false,
            Actor::User(_) => config
                .identity
                .as_ref()
                .is_some_and(Identity::names_workspace),
            Actor::Pat(_) => true,
        };
        let (_, host, _) = origin::parts(&self.request.origin);
        let mut workspaces = Vec::new();
        for name in config.workspaces_at(host, false) {
            if !own || name == self.actor.workspace() {
                workspaces.push(name.clone());
            }
        }
        json.texts("workspaces", &workspaces);
        let answer = Answer::json(200, json.finish());
        match self.actor {
            Actor::Pat(_) => answer,
            _ => answer.header(
                OFFER,
                if self.actor.is_admin() {
                    "admin"
                } else {
                    "user"
                },
            ),
        }
    }
}

/// What whoever shows no credential is told in place of who that is.
pub(crate) fn nobody(config: &Config) -> Answer {
    let body = [
        r#"{"user":null,"workspace":null,"role":null,"signIn":""#,
        way(config),
        r#""}"#,
    ];
    Answer::json(200, body.concat())
}

/// How people sign in.
fn way(config: &Config) -> &'static str {
    match config.identity {
        Some(_) => "provider",
        None => "operatorKey",
    }
}

/// An answer that removes the cookie of a sign-in.
pub(crate) fn without_cookie(answer: Answer) -> Answer {
    let cookie = [SIGN_IN_COOKIE, "=; ", ATTRIBUTES, "; Max-Age=0"].concat();
    answer.header("set-cookie", cookie)
}

/// Whether a text may be a sign-in's secret: nobody is asked about any other.
pub(crate) fn is_secret(text: &str) -> bool {
    Digest::from_hex(text).is_some()
}

/// What is kept of a sign-in's secret. It ends with the operator key that it stands for.
pub(crate) fn digest(secret: &str, config: &Config) -> Digest {
    let key = config.operator_key.to_hex();
    Digest::of(&[secret, &key].concat())
}

/// Has the directory of the first workspace do something about sign-ins.
fn at_home(conversation: &Conversation<'_>, asker: Asker, task: Task) -> Result<(), Stop> {
    let home = conversation.inputs.config.home();
    let asker = Asker {
        workspace: home.to_owned(),
        ..asker
    };
    match conversation.ask_directory(home, &Command { asker, task })? {
        Reply::Done => Ok(()),
        _ => Err(misunderstood().into()),
    }
}

/// Where an answer asks the shell to add what is on offer, the apps and the routes, and
/// says for whom.
const OFFER: &str = "@offer";

/// How long a sign-in lasts, in seconds.
const LIFETIME: u64 = 3600;

const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";
