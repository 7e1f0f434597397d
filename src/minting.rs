//! What a new token is made of: its secret, the places that it will open, and what only
//! the answer that creates it shows.

use crate::config::Config;
use crate::conversation::Entropy;
use crate::digest::Digest;
use crate::entry::{EmbedUrl, Entry, Fresh, Minted};
use crate::grant::Grant;
use crate::hint::Hint;
use crate::id::Id;
use crate::lifecycle::User;
use crate::place::Place;
use crate::problem::Problem;
use crate::record::ALL_APPS;
use crate::session::Session;
use crate::sessions::Spot;
use crate::token::{self, Kind, Token};

/// A new secret and its names.
pub fn mint(
    kind: Kind,
    hint: &Hint,
    entropy: &Entropy,
    now_ms: u64,
) -> Result<(Minted, String), Problem> {
    let Entropy(secret, id) = entropy;
    let secret = token::generate(kind, hint, secret).ok_or_else(Problem::store_unavailable)?;
    let start = Token::parse(&secret).map(|token| token.start());
    let minted = Minted {
        id: Id::generate(hint, now_ms, *id),
        digest: Digest::of(&secret),
        start: start.map_err(|_| Problem::store_unavailable())?,
    };
    Ok((minted, secret))
}

/// The places that an embed token will open, one for each app.
pub fn spots(
    grant: &Grant,
    user: &User,
    workspace: &str,
    config: &Config,
) -> Result<Vec<Spot>, Problem> {
    let Some(embed) = &grant.embed else {
        return Ok(Vec::new());
    };
    let covered = config
        .apps
        .iter()
        .filter(|app| grant.apps.contains(&app.id) || grant.apps.iter().any(|id| id == ALL_APPS));
    covered
        .map(|app| {
            if !Session::fits(workspace, &user.uid, &app.id) {
                let detail = "is too long for an embed, together with workspace and app";
                return Err(Problem::field("user", detail));
            }
            Ok(Spot {
                place: Place::of(workspace, &user.uid, &app.id, &embed.label),
                app: app.id.clone(),
                origins: app.framed_by(&embed.allowed_origins).to_vec(),
            })
        })
        .collect()
}

/// The gate, where it was asked for a token.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its configuration.
    pub config: &'a Config,
    /// The origin at which it was asked.
    pub origin: &'a str,
}

impl Asked<'_> {
    /// The URL that opens an app with an embed token.
    pub fn embed_url(&self, entry: &Entry, app: &str, secret: &str) -> String {
        let record = &entry.record;
        let label = record.embed.as_ref().map_or("", |embed| &embed.label);
        let place = Place::of(&record.workspace, &record.uid, app, label);
        let Self { config, origin } = self;
        let host = &config.embed_host;
        let address = host.address(origin, config.development, app, &place);
        address.entry(app, secret)
    }

    /// What only the answer that creates a token shows.
    pub fn fresh(&self, entry: &Entry, secret: String) -> Fresh {
        let url = |app: &str| self.embed_url(entry, app, &secret);
        let (embed_url, embed_urls) = match entry.record.apps.as_slice() {
            _ if entry.record.embed.is_none() => (None, Vec::new()),
            [app] if app != ALL_APPS => (Some(url(app)), Vec::new()),
            _ => {
                let apps = self.config.apps.iter();
                let covered = apps.filter(|app| entry.record.covers_app(&app.id));
                let urls = covered.map(|app| EmbedUrl {
                    app: app.id.clone(),
                    url: url(&app.id),
                });
                (None, urls.collect())
            }
        };
        Fresh {
            secret,
            embed_url,
            embed_urls,
        }
    }
}
