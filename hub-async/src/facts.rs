//! What is kept of the request that opened a connection.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;

use http::HeaderMap;
use http::header::{self, HeaderName};

/// The request that opened a connection, in one compact copy.
///
/// Headers that only concern the HTTP connection or the WebSocket upgrade are left out, and those that
/// are no UTF-8. The query may
/// hold an access token and the headers a cookie: nothing here prints them.
#[derive(Clone)]
pub struct RequestFacts(Box<Facts>);

#[derive(Clone)]
struct Facts {
    /// Path, query and headers, one after the other.
    text: Box<str>,
    path: usize,
    query: usize,
    /// Where each header's name and value end in `text`.
    headers: Box<[(u32, u32)]>,
    peer: Option<SocketAddr>,
}

const LEFT_OUT: [HeaderName; 10] = [
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::CACHE_CONTROL,
    header::PRAGMA,
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONTENT_LENGTH,
];

impl RequestFacts {
    pub(crate) fn new(
        path: &str,
        query: &str,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
    ) -> Self {
        let mut text = String::with_capacity(path.len() + query.len() + 64 * headers.len());
        text.push_str(path);
        text.push_str(query);
        let mut ends = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            let Ok(value) = std::str::from_utf8(value.as_bytes()) else { continue };
            if LEFT_OUT.contains(name) {
                continue;
            }
            text.push_str(name.as_str());
            let name_end = text.len() as u32;
            text.push_str(value);
            ends.push((name_end, text.len() as u32));
        }
        let text = text.into_boxed_str();
        let query = path.len() + query.len();
        Self(Box::new(Facts { text, path: path.len(), query, headers: ends.into(), peer }))
    }

    /// The path, as the client sent it.
    pub fn path(&self) -> &str {
        self.0.text.get(..self.0.path).unwrap_or_default()
    }

    /// The query without its question mark, as the client sent it.
    pub fn query(&self) -> &str {
        self.0.text.get(self.0.path..self.0.query).unwrap_or_default()
    }

    /// The value of a query item, decoded; names are matched without regard to ASCII case, and the values
    /// of a repeated one are joined by commas.
    pub fn query_value(&self, name: &str) -> Option<Cow<'_, str>> {
        hub_core::endpoint::query_value(self.query(), name)
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Every header that was kept, in the order of the request.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let (text, mut start) = (&self.0.text, self.0.query);
        self.0.headers.iter().map(move |&(name_end, value_end)| {
            let name = text.get(start..name_end as usize).unwrap_or_default();
            let value = text.get(name_end as usize..value_end as usize).unwrap_or_default();
            start = value_end as usize;
            (name, value)
        })
    }

    /// The value of a cookie, as it was sent.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers().filter(|(found, _)| *found == "cookie");
        cookies
            .flat_map(|(_, value)| value.split(';'))
            .filter_map(|pair| pair.split_once('='))
            .find(|(found, _)| found.trim() == name)
            .map(|(_, value)| value.trim())
    }

    /// The address at the other end of the connection; a proxy's, if there is one between.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.0.peer
    }
}

impl fmt::Debug for RequestFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFacts")
            .field("path", &self.path())
            .field("peer", &self.0.peer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn facts() -> RequestFacts {
        let mut headers = HeaderMap::new();
        headers.append("cookie", "a=1; Path=/; b = two".parse().unwrap());
        headers.append("x-tenant", "north".parse().unwrap());
        headers.append("upgrade", "websocket".parse().unwrap());
        headers.append("cookie", "c=3".parse().unwrap());
        headers.append("x-city", HeaderValue::from_bytes("Zürich".as_bytes()).unwrap());
        headers.append("x-bytes", HeaderValue::from_bytes(b"\xff").unwrap());
        RequestFacts::new("/chat", "id=secret&User=ann%20lee&user=bob", &headers, None)
    }

    #[test]
    fn path_query_headers_and_cookies_are_kept() {
        let facts = facts();
        assert_eq!((facts.path(), facts.query()), ("/chat", "id=secret&User=ann%20lee&user=bob"));
        assert_eq!(facts.query_value("user").as_deref(), Some("ann lee,bob"));
        assert_eq!(facts.query_value("none"), None);
        assert_eq!(facts.header("X-Tenant"), Some("north"));
        assert_eq!(facts.header("x-city"), Some("Zürich"));
        assert_eq!([facts.header("upgrade"), facts.header("x-bytes")], [None, None]);
        assert_eq!(
            [facts.cookie("a"), facts.cookie("b"), facts.cookie("c")],
            [Some("1"), Some("two"), Some("3")]
        );
        assert_eq!(facts.cookie("d"), None);
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!("{:?}", facts());
        assert!(
            printed.contains("/chat") && !printed.contains("secret") && !printed.contains("north"),
            "{printed}"
        );
    }
}
