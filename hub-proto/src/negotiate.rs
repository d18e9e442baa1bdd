//! Where a client negotiates, and the body of the response.

use crate::json::{self, Scanner};
use crate::{DecodeError, JsonType};

/// One transport that a server offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AvailableTransport {
    /// `WebSockets`, `ServerSentEvents`, `LongPolling`, or a name this crate does not know.
    pub transport: Option<String>,
    /// `Text` and `Binary`, as offered.
    pub transfer_formats: Vec<String>,
}

/// What a server answers to `POST {endpoint}/negotiate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NegotiateResponse {
    /// Whether the server grants stateful reconnect; written only when true.
    pub use_stateful_reconnect: bool,
    /// The negotiate version, 0 or 1.
    pub negotiate_version: i32,
    /// Where to negotiate instead.
    pub url: Option<String>,
    /// The bearer token to use from then on, with `url`.
    pub access_token: Option<String>,
    /// The public id of the connection.
    pub connection_id: Option<String>,
    /// The secret by which transports claim the connection; only with version 1.
    pub connection_token: Option<String>,
    /// The transports in the order in which clients should try them.
    pub available_transports: Option<Vec<AvailableTransport>>,
    /// Why there is no connection; nothing else is written with it.
    pub error: Option<String>,
}

/// How many redirects clients follow before they give up, as Microsoft's do.
pub const MAX_REDIRECTS: usize = 100;

/// Where to `POST` for an endpoint, which is what the user gave or the [`url`](NegotiateResponse::url) of a redirect.
///
/// `negotiate` is appended to the path, and the version to the query, as is `useStatefulReconnect=true` on request.
/// What the query names already, in any case, stays as it is. A fragment is left out.
///
/// ```
/// let url = hub_proto::negotiate::url("https://example.com/chat?room=1", false);
/// assert_eq!(url, "https://example.com/chat/negotiate?room=1&negotiateVersion=1");
/// ```
pub fn url(endpoint: &str, use_stateful_reconnect: bool) -> String {
    let (endpoint, _fragment) = endpoint.split_once('#').unwrap_or((endpoint, ""));
    let (path, query) = endpoint.split_once('?').unwrap_or((endpoint, ""));
    let mut items: Vec<_> = query.split('&').filter(|item| !item.is_empty()).collect();
    for (item, wanted) in
        [("negotiateVersion=1", true), ("useStatefulReconnect=true", use_stateful_reconnect)]
    {
        let named = items.iter().any(|other| name(other).eq_ignore_ascii_case(name(item)));
        if wanted && !named {
            items.push(item);
        }
    }
    format!("{}/negotiate?{}", path.strip_suffix('/').unwrap_or(path), items.join("&"))
}

/// Of an item of a query.
fn name(item: &str) -> &str {
    item.split_once('=').map_or(item, |(name, _)| name)
}

/// A response that a client cannot use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid negotiation response received.")]
pub struct InvalidNegotiation(#[from] pub DecodeError);

impl NegotiateResponse {
    /// The body, in the bytes that ASP.NET Core writes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        if let Some(error) = &self.error {
            out.extend_from_slice(b"{\"error\":");
            json::string(&mut out, error);
            out.push(b'}');
            return out;
        }
        out.push(b'{');
        if self.use_stateful_reconnect {
            out.extend_from_slice(b"\"useStatefulReconnect\":true,");
        }
        out.extend_from_slice(b"\"negotiateVersion\":");
        out.extend_from_slice(self.negotiate_version.to_string().as_bytes());
        let token = self.connection_token.as_ref().filter(|_| self.negotiate_version > 0);
        for (name, value) in [
            ("url", self.url.as_ref()),
            ("accessToken", self.access_token.as_ref()),
            ("connectionId", self.connection_id.as_ref()),
            ("connectionToken", token),
        ] {
            if let Some(value) = value {
                out.push(b',');
                json::string(&mut out, name);
                out.push(b':');
                json::string(&mut out, value);
            }
        }
        out.extend_from_slice(b",\"availableTransports\":");
        list(&mut out, self.available_transports.as_deref().unwrap_or_default(), |out, offered| {
            out.extend_from_slice(b"{\"transport\":");
            match &offered.transport {
                Some(name) => json::string(out, name),
                None => out.extend_from_slice(b"null"),
            }
            out.extend_from_slice(b",\"transferFormats\":");
            list(out, &offered.transfer_formats, |out, format| json::string(out, format));
            out.push(b'}');
        });
        out.push(b'}');
        out
    }

    /// Reads a body as a client does: unknown members are ignored, of duplicates the last one wins.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidNegotiation> {
        let mut response = Self::default();
        let mut scanner = Scanner::new(body);
        scanner.enter(JsonType::Object).map_err(InvalidNegotiation)?;
        let mut first = true;
        while let Some(key) = scanner.key(first).map_err(DecodeError::from)? {
            first = false;
            response.property(&key, &mut scanner)?;
        }
        if response.url.is_none() && response.error.is_none() {
            response.check_required()?;
        }
        Ok(response)
    }

    /// What transports send as `id`: the public id in version 0, the secret token from version 1 on.
    ///
    /// `None` if the response has none, as a redirect or an error.
    pub fn token(&self) -> Option<&str> {
        if self.negotiate_version > 0 {
            self.connection_token.as_deref()
        } else {
            self.connection_id.as_deref()
        }
    }

    fn property(&mut self, key: &str, scanner: &mut Scanner<'_>) -> Result<(), DecodeError> {
        let text = |scanner: &mut Scanner<'_>, name| -> Result<_, DecodeError> {
            Ok(Some(json::string_property(scanner, name)?.into_owned()))
        };
        match key {
            "url" => self.url = text(scanner, "url")?,
            "accessToken" => self.access_token = text(scanner, "accessToken")?,
            "connectionId" => self.connection_id = text(scanner, "connectionId")?,
            "connectionToken" => self.connection_token = text(scanner, "connectionToken")?,
            "error" => self.error = text(scanner, "error")?,
            "negotiateVersion" => {
                self.negotiate_version =
                    json::nullable_integer(scanner, "negotiateVersion")?.unwrap_or(0);
            }
            "useStatefulReconnect" => {
                self.use_stateful_reconnect =
                    json::boolean_property(scanner, "useStatefulReconnect")?;
            }
            "availableTransports" => self.available_transports = Some(transports(scanner)?),
            "ProtocolVersion" => return Err(DecodeError::ClassicSignalR),
            _ => scanner.skip(1)?,
        }
        Ok(())
    }

    fn check_required(&self) -> Result<(), DecodeError> {
        if self.connection_id.is_none() {
            return Err(DecodeError::Missing("connectionId"));
        }
        if self.negotiate_version > 0 && self.connection_token.is_none() {
            return Err(DecodeError::Missing("connectionToken"));
        }
        if self.available_transports.is_none() {
            return Err(DecodeError::Missing("availableTransports"));
        }
        Ok(())
    }
}

fn list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

fn transports(scanner: &mut Scanner<'_>) -> Result<Vec<AvailableTransport>, DecodeError> {
    scanner.enter(JsonType::Array)?;
    let mut offered = Vec::new();
    while scanner.element(offered.is_empty())? {
        offered.push(transport(scanner)?);
    }
    Ok(offered)
}

fn transport(scanner: &mut Scanner<'_>) -> Result<AvailableTransport, DecodeError> {
    scanner.enter(JsonType::Object)?;
    let (mut name, mut formats) = (None, None);
    let mut first = true;
    while let Some(key) = scanner.key(first)? {
        first = false;
        match &*key {
            "transport" => name = Some(json::string_property(scanner, "transport")?.into_owned()),
            "transferFormats" => {
                scanner.enter(JsonType::Array)?;
                let mut found = Vec::new();
                while scanner.element(found.is_empty())? {
                    found.push(json::string_property(scanner, "transferFormats")?.into_owned());
                }
                formats = Some(found);
            }
            _ => scanner.skip(3)?,
        }
    }
    Ok(AvailableTransport {
        transport: Some(name.ok_or(DecodeError::Missing("transport"))?),
        transfer_formats: formats.ok_or(DecodeError::Missing("transferFormats"))?,
    })
}
