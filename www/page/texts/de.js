// German.

export const de = {
  product: "Gatepass",
  documentTitle: "{screen} – Gatepass",
  skip: "Zum Inhalt springen",
  nav: "Bereiche",
  "nav.tokens": "Meine Tokens",
  "nav.allTokens": "Tokens",
  "nav.new": "Neues Token",
  "nav.token": "Token",
  "nav.embeds": "Einbettungen",
  "nav.workspace": "Arbeitsbereich",
  operator: "Betreiber",
  workspace: "Arbeitsbereich",
  "workspace.first": "Zum ersten Arbeitsbereich",
  signOut: "Abmelden",

  loading: "Wird geladen …",
  tryAgain: "Erneut versuchen",
  reload: "Neu laden",
  close: "Schließen",
  cancel: "Abbrechen",
  save: "Speichern",
  saved: "Gespeichert",
  remove: "Entfernen",
  copy: "Kopieren",
  copied: "Kopiert",
  copyFailed: "Kopieren nicht möglich: Markieren Sie den Text und kopieren Sie ihn von Hand",
  name: "Name",
  descriptionOptional: "Beschreibung (optional)",
  owner: "Person",
  start: "Sieht aus wie",
  created: "Erstellt",
  expires: "Ablauf",
  ended: "Abgelaufen",
  lastUsed: "Zuletzt verwendet",
  never: "Nie",
  notUsed: "Noch nie",
  unknown: "Unbekannt",
  address: "IP-Adresse",
  app: "App",
  "app.id": "ID",
  "app.anyOrigin": "Keine: Jede Einbettung nennt ihre eigenen",
  "apps.all": "Alle Apps",

  "signIn.title": "Bei Gatepass anmelden",
  "signIn.lead":
    "Hier erstellen, sehen und widerrufen Sie die Tokens, mit denen Programme Zugang erhalten.",
  "signIn.key": "Betreiberschlüssel",
  "signIn.keyHint":
    "Wer Gatepass eingerichtet hat, kennt ihn: Es ist das Geheimnis OPERATOR_KEY. Während der Entwicklung steht er in der Datei .dev.vars. Sie bleiben eine Stunde lang angemeldet.",
  "signIn.do": "Anmelden",
  "signIn.wrong":
    "Das ist nicht der Betreiberschlüssel. Kopieren Sie ihn noch einmal, und zwar vollständig.",
  "signIn.ended": "Sie sind nicht mehr angemeldet. Bitte melden Sie sich neu an.",
  "signIn.provider":
    "Ihre Organisation meldet Sie an, bevor Sie hierher gelangen. Sie hat aber nicht mitgeteilt, wer Sie sind. Laden Sie die Seite neu. Wenn das nicht hilft, fragen Sie die Stelle, die Gatepass betreibt.",
  "signIn.again": "Neu laden",

  "empty.title": "Sie haben noch keine Tokens.",
  "empty.text":
    "Ein Token ist wie ein Passwort für ein einzelnes Programm: Power BI, Excel, ein Skript. Sie geben ihm einen Namen und legen fest, was es darf und wie lange es gilt. Sie können es jederzeit widerrufen, ohne Ihr eigenes Passwort zu ändern.",
  "empty.make": "Das erste Token erstellen",

  "list.search": "Suche in Name und Beschreibung",
  "list.owner": "Person (E-Mail oder ID)",
  "list.state": "Status",
  "list.kind": "Art",
  "list.order": "Sortieren nach",
  "list.order.newest": "Neueste zuerst",
  "list.order.name": "Name",
  "list.order.ending": "Frühester Ablauf zuerst",
  "list.order.used": "Zuletzt verwendete zuerst",
  "list.all": "Alle",
  "list.count": { one: "{count} Token", other: "{count} Tokens" },
  "list.countSoFar": {
    one: "{count} Token, und es gibt weitere",
    other: "{count} Tokens, und es gibt weitere",
  },
  "list.more": "Mehr anzeigen",
  "list.noneAtAll": "In diesem Arbeitsbereich gibt es noch keine Tokens.",

  "state.active": "Aktiv",
  "state.expiring": "Läuft bald ab",
  "state.disabled": "Deaktiviert",
  "state.used": "Verbraucht oder ersetzt",
  "state.revoked": "Widerrufen",
  "state.expired": "Abgelaufen",
  "state.disabled.means": "Es gewährt niemandem Zugang, bis Sie es wieder aktivieren.",
  "state.used.means":
    "Es öffnet nichts mehr: Es galt für eine einzige Verwendung, oder ein anderes Token hat es ersetzt.",
  "state.revoked.means":
    "Es wurde endgültig beendet. Wer es noch hat, erhält damit keinen Zugang mehr.",
  "state.expired.means":
    "Seine Zeit ist um. Wenn ein Programm es noch braucht, erstellen Sie ein neues.",
  "kind.pat": "Für Programme",
  "kind.embed": "Für Einbettungen",

  "may.nothing": "Öffnet, was keine Berechtigung verlangt",
  "may.embed": "Öffnet als Einbettung: {apps}",
  "scope.tokens": "Verwaltet die Tokens der Person: erstellt, zeigt und widerruft sie",
  "scope.opens": "Öffnet {paths}",

  "new.title": "Neues Token",
  "new.lead":
    "Für ein einzelnes Programm. Erstellen Sie für jedes ein eigenes, dann können Sie sie einzeln widerrufen.",
  "new.off":
    "In diesem Arbeitsbereich ist das Erstellen von Tokens zurzeit abgeschaltet. Vorhandene Tokens funktionieren weiter. Ein Admin kann es wieder einschalten.",
  "new.admins":
    "In diesem Arbeitsbereich erstellen nur Admins Tokens. Bitten Sie einen Admin um ein Token.",
  "new.nameHint": "Wofür es ist, zum Beispiel „Power BI, Umsatzbericht“.",
  "new.descriptionHint": "Für Sie selbst, wenn Sie es in einem Jahr wieder ansehen.",
  "new.scopes": "Was es darf",
  "new.scopesOfAdmins": "Andere haben nur diese zur Auswahl: {scopes}",
  "new.scopesHint":
    "Wählen Sie nur die Berechtigungen (Scopes), die das Programm braucht. Ohne Häkchen öffnet das Token nur, was keine Berechtigung verlangt.",
  "new.apps": "Apps, für die es Einbettungen erstellen darf",
  "new.appsHint":
    "Ein Token, das Tokens verwaltet, kann für diese Apps auch Einbettungs-URLs erstellen.",
  "new.days": { one: "{count} Tag", other: "{count} Tage" },
  "new.until": "Bis zum {date}",
  "new.date": "Ein Datum Ihrer Wahl",
  "new.day": "Letzter Tag",
  "new.neverHint":
    "Es gilt, bis Sie es widerrufen. Gerät es in fremde Hände und niemand bemerkt es, bleibt der Zugang offen. Besser ist ein festes Ende.",
  "new.bound": {
    one: "In diesem Arbeitsbereich gilt ein Token höchstens {count} Tag.",
    other: "In diesem Arbeitsbereich gilt ein Token höchstens {count} Tage.",
  },
  "new.advanced": "Erweitert",
  "new.owner": "Für wen (E-Mail oder ID)",
  "new.ownerOptional": "Für eine andere Person (E-Mail oder ID)",
  "new.ownerHint": "Das Token handelt für diese Person.",
  "new.addresses": "Erlaubte IP-Adressen",
  "new.addressesHint":
    "IP-Adressen oder Adressbereiche, eine Angabe pro Zeile, zum Beispiel 192.0.2.0/24. Ohne Angabe funktioniert das Token von überall.",
  "new.strict": "Bei jeder Verwendung prüfen",
  "new.strictHint":
    "Ein Widerruf gilt dann ab der nächsten Anfrage statt innerhalb von etwa einer Minute. Jede Anfrage dauert etwas länger.",
  "new.generate": "Token erstellen",
  "new.generating": "Wird erstellt …",
  "new.unsure":
    "Es kam keine Antwort. Darum ist nicht bekannt, ob das Token erstellt wurde. Versuchen Sie es erneut: Es ist dieselbe Anfrage, und nichts wird doppelt erstellt.",

  "lost.title": "Das Token ist da, sein Text fehlt",
  "lost.text":
    "„{name}“ wurde erstellt, aber die Verbindung brach ab, bevor der Text hier ankam. Er wird nur einmal angezeigt. Holen Sie sich einen neuen Text: Der verlorene öffnet dann nichts mehr.",
  "lost.renew": "Neuen Text holen",
  "lost.look": "Token ansehen",

  "secret.title": "Ihr Token: {name}",
  "secret.once": "Kopieren Sie es jetzt. Es wird nur dieses eine Mal angezeigt, danach nie wieder.",
  "secret.token": "Token",
  "secret.download": "Herunterladen",
  "secret.downloaded": "Heruntergeladen",
  "secret.until": "Es gilt bis zum {time}.",
  "secret.untilRevoked": "Es gilt, bis Sie es widerrufen.",
  "secret.done": "Fertig",
  "secret.notCopied":
    "Sie haben das Token nicht kopiert. Wenn Sie dieses Fenster schließen, kann es niemand mehr anzeigen.",
  "secret.back": "Zurück zum Token",
  "secret.closeAnyway": "Ohne Kopieren schließen",

  "howTo.title": "So verwenden Sie es",
  "howTo.curl": "curl",
  "howTo.powerBi": "Power BI",
  "howTo.excel": "Excel",
  "howTo.python": "Python",
  "howTo.javaScript": "JavaScript",
  "howTo.yourApp": "https://ihre-app.example",
  "howTo.curl.check":
    "Prüfen Sie, ob es funktioniert. Die Antwort sagt, was das Token darf und bis wann es gilt:",
  "howTo.curl.app": "Fragen Sie dann Ihre App, mit deren eigenem Pfad am Ende:",
  "howTo.curl.paths":
    "Fragen Sie dann Ihre App, mit deren eigenem Pfad am Ende. Dieses Token öffnet {paths}:",
  "howTo.basic":
    "Wenn Sie nach der Art der Anmeldung gefragt werden, wählen Sie „Standard“ (englisch „Basic“). Lassen Sie den Benutzernamen leer, und fügen Sie das Token als Kennwort ein:",
  "howTo.powerBi.get":
    "Wählen Sie „Daten abrufen“, dann „OData-Datenfeed“, und geben Sie die Adresse des Datenfeeds an:",
  "howTo.powerBi.refresh":
    "Für eine geplante Aktualisierung geben Sie dasselbe in den Einstellungen des Semantikmodells an, unter „Datenquellen-Anmeldeinformationen“.",
  "howTo.excel.get":
    "Wählen Sie „Daten“, „Daten abrufen“, „Aus anderen Quellen“, „Aus OData-Datenfeed“, und geben Sie die Adresse des Datenfeeds an:",
  "howTo.python.run": "Hierfür müssen Sie nichts zusätzlich installieren:",
  "howTo.javaScript.run":
    "In Node.js, Deno oder Bun. Nie auf einer Seite, die andere laden: Sonst haben auch sie das Token.",

  "token.title": "Token",
  "token.all": "Alle Tokens",
  "token.may": "Was es darf",
  "token.sessions": "Laufende Sitzungen",
  "token.history": "Was geschehen ist",
  "token.checked": "Geprüft",
  "token.strict": "Bei jeder Verwendung",
  "token.parent": "Erstellt mit dem Token",
  "token.id": "ID",
  rename: "Umbenennen",
  "rename.title": "Token umbenennen",
  disable: "Deaktivieren",
  disabled: "Das Token ist deaktiviert",
  enable: "Aktivieren",
  enabled: "Das Token ist aktiviert",
  rotate: "Ersetzen",
  "rotate.title": "„{name}“ ersetzen",
  "rotate.means":
    "Sie erhalten ein neues Token, das dasselbe darf. Tragen Sie es anstelle des alten im Programm ein.",
  "rotate.grace": "Wie lange das alte noch gilt",
  "rotate.graceHint":
    "Damit nichts ausfällt, während Sie es austauschen. Wählen Sie „Gar nicht“, wenn das alte in fremde Hände geraten ist.",
  "rotate.confirm": "Neues Token erstellen",
  "rotate.oldUntil": "Das alte gilt bis {time}.",
  "rotate.oldEnded": "Das alte öffnet nichts mehr.",
  "grace.none": "Gar nicht",
  "grace.hour": "1 Stunde",
  "grace.day": "1 Tag",
  "grace.week": "7 Tage",
  revoke: "Widerrufen",
  revoked: "Das Token ist widerrufen",
  "revoke.title": "„{name}“ widerrufen?",
  "revoke.means":
    "Programme, die es benutzen, kommen nicht mehr hinein. Tokens und Einbettungen, die es erstellt hat, enden mit ihm; ein Token, das es ersetzt hat, gilt weiter. Das lässt sich nicht rückgängig machen.",
  "revoke.confirm": "Endgültig widerrufen",

  "sessions.none": "Zurzeit gibt es keine.",
  "sessions.opened": "Geöffnet",
  "sessions.seen": "Zuletzt aktiv",
  "sessions.ends": "Endet",
  "sessions.page": "Auf einer Seite von",
  "sessions.token": "Zum Token",
  "sessions.end": "Sitzung beenden",
  "sessions.endAll": "Alle beenden",
  "sessions.ended": "Beendet",
  "sessions.confirm": "Beenden",
  "sessions.means":
    "Wer die App gerade ansieht, bekommt nichts mehr von ihr. Ein mehrfach verwendbares Token kann eine neue Sitzung öffnen. Soll das nicht sein, widerrufen Sie es.",

  "events.none": "Bisher ist nichts geschehen.",
  "events.by": "durch {actor}",
  "events.for": "für {user}",
  "events.token": "zum Token",
  "actor.operator": "den Betreiber",
  "actor.you": "Sie",
  "actor.viewer": "jemanden auf der einbettenden Seite",
  "actor.scanner": "eine Suche nach öffentlich gewordenen Tokens",
  "actor.token": "das Token {id}",
  "action.token.created": "Token erstellt",
  "action.token.changed": "Name oder Beschreibung des Tokens geändert",
  "action.token.enabled": "Token aktiviert",
  "action.token.disabled": "Token deaktiviert",
  "action.token.rotated": "Token ersetzt",
  "action.token.revoked": "Token widerrufen",
  "action.token.leaked": "Token öffentlich gefunden und widerrufen",
  "action.token.refused": "Abgelehnt",
  "action.session.opened": "Sitzung geöffnet",
  "action.session.killed": "Sitzung beendet",
  "action.sessions.killed": "Sitzungen beendet",
  "action.settings.changed": "Einstellungen geändert",
  "action.operator.signed_in": "Mit dem Betreiberschlüssel angemeldet",
  "action.operator.signed_out": "Abgemeldet",
  "result.token_expired": "es war abgelaufen",
  "result.token_revoked": "es war widerrufen",
  "result.token_disabled": "es war deaktiviert",
  "result.token_used": "es war verbraucht oder ersetzt",
  "result.scope_insufficient": "es darf das nicht",
  "result.address_not_allowed": "nicht von dieser IP-Adresse aus",
  "result.kind_mismatch": "es ist von der anderen Art",
  "result.app_mismatch": "es gilt nicht für diese App",
  "result.origin_not_allowed": "nicht auf dieser Seite",
  "result.authentication_disabled": "Tokens waren abgeschaltet",
  "result.creation_disabled": "das Erstellen von Tokens war abgeschaltet",
  "result.lifetime_exceeded": "es hätte zu lange gegolten",
  "result.rate_limited": "zu viele Anfragen",

  "embeds.title": "Einbettungen",
  "embeds.lead": "Ihre App auf fremden Seiten, ohne dass man sich dort anmelden muss.",
  "embeds.none":
    "Noch kann keine App eingebettet werden. Wer Gatepass einrichtet, nennt die Apps in der Konfiguration unter APPS.",
  "embeds.apps": "Apps",
  "embeds.new": "Einbettungs-URL erstellen",
  "embeds.sessions": "Laufende Sitzungen",
  "embed.name": "Einbettung von {app}",
  "embed.user": "Für wen (E-Mail oder ID)",
  "embed.userHint": "Die App zeigt, was diese Person sehen darf.",
  "embed.minutes": "Dauer einer Sitzung in Minuten",
  "embed.origins": "Seiten, die einbetten dürfen",
  "embed.originsOfApp": "Dieselben wie bei der App",
  "embed.originsHint":
    "Adressen ohne Pfad (Origins), eine pro Zeile, zum Beispiel https://portal.example. Ohne Angabe gilt: {origins}",
  "embed.label": "Kennzeichen",
  "embed.labelHint":
    "Zwei Einbettungen derselben App für dieselbe Person unterscheiden sich durch ihr Kennzeichen.",
  "embed.singleUse": "Nur einmal verwendbar",
  "embed.singleUseHint": "Die URL öffnet eine Sitzung und danach nichts mehr.",
  "embed.topLevel": "Auch in einem eigenen Tab",
  "embed.topLevelHint":
    "Die URL lässt sich auch für sich öffnen, nicht nur innerhalb einer anderen Seite.",
  "embed.create": "URL erstellen",
  "embed.lost":
    "Die URL wurde erstellt, aber die Verbindung brach ab, bevor sie hier ankam. Sie wurde widerrufen. Bitte erstellen Sie eine neue.",
  "embed.lostAlive":
    "Die URL wurde erstellt, aber die Verbindung brach ab, bevor sie hier ankam, und sie ließ sich nicht widerrufen. Bitte widerrufen Sie sie, und erstellen Sie eine neue.",
  "embed.made": "Ihre Einbettungs-URL",
  "embed.notHere":
    "Sie wurde erstellt, nennt aber die Adresse dieser Seite, und hier gibt es keine Einbettungen. Wer Gatepass betreibt, gibt den Einbettungen eine eigene Adresse (EMBED_HOST).",
  "embed.once":
    "Wer sie hat, kann die App damit ein einziges Mal öffnen. Sie wird nur jetzt angezeigt. Im laufenden Betrieb fordert Ihr Server jedes Mal eine neue an.",
  "embed.secret": "Wer sie hat, erhält Zugang. Sie wird nur jetzt angezeigt.",
  "embed.url": "Einbettungs-URL",
  "embed.frame": "Für die einbettende Seite, zum Ausprobieren:",
  "embed.element":
    "Für die einbettende Seite, auf Dauer. Das Element fragt Ihren Server und erneuert die Sitzung von selbst:",
  "embed.preview": "Vorschau der App",
  "embed.previewName": "Vorschau",
  "embed.showPreview": "Vorschau anzeigen",
  "embed.previewHint": {
    one: "Mit einer eigenen URL, die {count} Minute gilt. Ihre bleibt unbenutzt.",
    other: "Mit einer eigenen URL, die {count} Minuten gilt. Ihre bleibt unbenutzt.",
  },

  "workspace.title": "Arbeitsbereich {workspace}",
  "workspace.settings": "Einstellungen",
  "workspace.tokens": "Tokens aller Personen",
  "workspace.audit": "Protokoll",
  "settings.switches": "Was möglich ist",
  "settings.authentication": "Tokens und Einbettungen gewähren Zugang",
  "settings.authenticationHint":
    "Ist dies abgeschaltet, erhält nach etwa einer Minute niemand mehr mit Token oder Einbettung Zugang. Für Notfälle.",
  "settings.creation": "Tokens können erstellt werden",
  "settings.creationHint":
    "Ist dies abgeschaltet, kann niemand Tokens erstellen oder ersetzen, auch Admins nicht.",
  "settings.admins": "Nur Admins erstellen Tokens",
  "settings.adminsHint": "Andere sehen ihre Tokens und können sie widerrufen.",
  "settings.knownUsersOnly": "Nur für bekannte Personen",
  "settings.knownUsersOnlyHint":
    "Wer noch kein Token hat und noch nie angemeldet war, bekommt keines.",
  "settings.lifetime": "Wie lange Tokens gelten",
  "settings.defaultLifetimeDays": "Tage, wenn nichts anderes gewählt wird",
  "settings.bounded": "Es gibt eine Obergrenze",
  "settings.maxLifetimeDays": "Höchstens so viele Tage",
  "settings.neverAllowed": "Tokens dürfen gelten, bis sie widerrufen werden",
  "settings.neverAllowedHint": "Ist dies abgeschaltet, hat jedes Token ein Ende.",
  "settings.scopes": "Berechtigungen (Scopes) zur Auswahl",
  "settings.scopesHint":
    "Was beim Erstellen zur Auswahl steht, das Geringste zuerst. Ohne Angabe stehen alle zur Auswahl, nach denen die Routen fragen.",
  "settings.scopesKnown": "Die Routen verlangen: {scopes}",
  "settings.scope": "Berechtigung {count}",
  "settings.scopeMeans": "Was sie einem Programm erlaubt",
  "settings.addScope": "Berechtigung hinzufügen",
  "settings.removeScope": "„{name}“ entfernen",
  "settings.embeds": "Einbettungen",
  "settings.originsHint":
    "Adressen ohne Pfad (Origins), die Einbettungen nennen dürfen, eine pro Zeile, zum Beispiel https://portal.example. Ohne Angabe dürfen sie beliebige nennen.",
  "audit.user": "Person (E-Mail oder ID)",
  "audit.action": "Was",
  "audit.token": "Token (ID)",
  "audit.from": "Ab",
  "audit.to": "Vor",
  "audit.show": "Anzeigen",
  "audit.export": "Diese als Datei speichern (NDJSON)",
  "audit.order":
    "Zuerst steht, was den Arbeitsbereich betrifft, dann die Ereignisse jeder Person, die neuesten zuerst.",
  "audit.exported": { one: "Bisher {count} Ereignis", other: "Bisher {count} Ereignisse" },

  "error.title": "Das hat nicht geklappt",
  "error.unreachable":
    "Es kam keine Antwort. Vielleicht ist Ihr Netz gestört. Sehen Sie nach, ob es trotzdem geschehen ist, bevor Sie es erneut versuchen.",
  "error.unexpected": "Auf dieser Seite ist etwas schiefgegangen. Laden Sie sie neu.",
  "error.other": "Gatepass hat abgelehnt: {detail} ({code}).",
  "error.rate_limited": {
    one: "Zu viele Anfragen. Versuchen Sie es in {count} Sekunde erneut.",
    other: "Zu viele Anfragen. Versuchen Sie es in {count} Sekunden erneut.",
  },
  "error.store_unavailable":
    "Gatepass erreicht seine Daten zurzeit nicht. Nichts ist verloren. Versuchen Sie es in einigen Sekunden erneut.",
  "error.cross_site":
    "Der Browser meldet, dass die Anfrage von einer anderen Seite kommt. Öffnen Sie Gatepass in einem eigenen Tab.",
  "error.config_invalid":
    "Gatepass ist nicht richtig eingerichtet. Wer dafür zuständig ist, findet den Grund in den Antworten von Gatepass.",
  "error.creation_disabled":
    "In diesem Arbeitsbereich ist das Erstellen von Tokens abgeschaltet. Fragen Sie einen Admin.",
  "error.authentication_disabled":
    "In diesem Arbeitsbereich sind Tokens abgeschaltet. Fragen Sie einen Admin.",
  "error.lifetime_exceeded":
    "So lange darf ein Token in diesem Arbeitsbereich nicht gelten. Wählen Sie eine kürzere Zeit.",
  "error.scope_insufficient": "Das dürfen Sie nicht. Fragen Sie einen Admin.",
  "error.session_ended": "Die Sitzung ist bereits beendet.",
  "error.404.token_unknown":
    "Dieses Token gibt es in diesem Arbeitsbereich nicht, oder es gehört einer anderen Person. Gehen Sie zurück zur Liste.",
  "error.403.token_unknown":
    "Ihre E-Mail-Adresse oder Ihre ID gehört hier schon einer anderen Person. Ein Admin muss sich das ansehen.",
  "error.409.invalid_request":
    "Das Token hat sich inzwischen geändert, darum geht das nicht mehr. Laden Sie die Seite neu.",
  "error.invalid_field.name":
    "Ein Name besteht aus einer Zeile mit 1 bis 100 Zeichen; unsichtbare darf er nicht enthalten.",
  "error.invalid_field.description":
    "Eine Beschreibung hat höchstens 500 Zeichen; unsichtbare darf sie nicht enthalten.",
  "error.invalid_field.scopes":
    "Eine dieser Berechtigungen geht hier nicht: Sie steht nicht zur Auswahl, ist doppelt oder enthält unzulässige Zeichen.",
  "error.invalid_field.apps": "Diese App gibt es nicht.",
  "error.invalid_field.app": "Diese App gibt es nicht.",
  "error.invalid_field.allowedIps":
    "Geben Sie IP-Adressen oder Adressbereiche an, je Zeile nur eine Angabe, zum Beispiel 192.0.2.7, 192.0.2.0/24 oder 2001:db8::/32.",
  "error.invalid_field.allowedOrigins":
    "Geben Sie Adressen ohne Pfad (Origins) an, eine pro Zeile, zum Beispiel https://portal.example, und nur solche, die der Arbeitsbereich erlaubt.",
  "error.invalid_field.expiresAt": "Das Datum muss in der Zukunft liegen.",
  "error.invalid_field.user":
    "Diese Person gibt es nicht, oder die Adresse gehört einer anderen Person.",
  "error.invalid_field.user.email":
    "Das ist keine E-Mail-Adresse, oder sie gehört einer anderen Person.",
  "error.invalid_field.sessionMinutes":
    "Geben Sie eine ganze Zahl von Minuten an, von 1 bis 576000.",
  "error.invalid_field.expiresInDays": "Geben Sie eine ganze Zahl von Tagen an, von 1 bis 36525.",
  "error.invalid_field.label":
    "Ein Kennzeichen hat höchstens 64 Zeichen; unsichtbare darf es nicht enthalten.",
  "error.invalid_field.maxLifetimeDays": "Geben Sie eine ganze Zahl von Tagen an, von 1 bis 36525.",
  "error.invalid_field.defaultLifetimeDays":
    "Geben Sie eine ganze Zahl von Tagen an, von 1 bis zur Obergrenze.",
  "error.invalid_field.workspace": "Diesen Arbeitsbereich gibt es hier nicht.",
};
