//! Tokens (JSON Web Tokens by HMAC, RFC 7519), and the hub that wants one.

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use hub_async::Body;
use hub_async::server::Rest;
use hub_core::endpoint::query_value;
use hyper::body::Incoming;
use ring::hmac;
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};

use crate::answer::{behind, status};

/// How long a token is good.
const LIFETIME: Duration = Duration::from_secs(60);

const HEADER: &[u8] = br#"{"alg":"HS256","typ":"JWT"}"#;

/// The key of this run.
#[derive(Clone)]
pub(crate) struct Keys(hmac::Key);

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

impl Keys {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        key.map(Self).map_err(|_| "no randomness".into())
    }

    /// A token that is good from now on.
    pub(crate) fn token(&self) -> Result<String, serde_json::Error> {
        let claims = Claims { sub: "testuser".to_owned(), exp: now() + LIFETIME.as_secs() };
        let claims = serde_json::to_vec(&claims)?;
        let signed = format!("{}.{}", BASE64.encode(HEADER), BASE64.encode(claims));
        let tag = hmac::sign(&self.0, signed.as_bytes());
        Ok(format!("{signed}.{}", BASE64.encode(tag)))
    }

    /// Lets nobody to the hub without a token: as a bearer's, or in the query, where browsers have to put it.
    pub(crate) async fn around(self, request: Request<Incoming>, rest: Rest) -> Response<Body> {
        if !is_guarded(request.uri().path()) || self.has_token(&request) {
            return rest.run(request).await;
        }
        let mut refused = status(StatusCode::UNAUTHORIZED);
        refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        refused
    }

    fn has_token(&self, request: &Request<Incoming>) -> bool {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = header.and_then(|value| value.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
        let query = request.uri().query().unwrap_or_default();
        let token = bearer.map(|(_, token)| token.to_owned());
        let token = token.or_else(|| query_value(query, "access_token").map(Into::into));
        token.is_some_and(|token| self.is_good(&token).is_some())
    }

    fn is_good(&self, token: &str) -> Option<()> {
        let (signed, tag) = token.rsplit_once('.')?;
        hmac::verify(&self.0, signed.as_bytes(), &BASE64.decode(tag).ok()?).ok()?;
        let (_, claims) = signed.split_once('.')?;
        let claims: Claims = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        (now() < claims.exp).then_some(())
    }
}

/// Whether the path may lead to the hub: the server decodes escapes before it compares, and no other path needs any.
fn is_guarded(path: &str) -> bool {
    path.contains('%') || behind(path, "/authorizedhub").is_some()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
