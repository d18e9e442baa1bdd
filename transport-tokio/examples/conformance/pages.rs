//! What is no hub: tokens, results of clients, and files.

use std::path::{Component, Path, PathBuf};

use http::{Method, Request, Response, StatusCode};
use hub_async::{Body, HubContext};
use hyper::body::Incoming;

use crate::answer::{behind, status, text, typed};
use crate::hub::{Hubs, client_result};
use crate::token::Keys;

#[derive(Clone)]
pub(crate) struct Pages {
    wwwroot: Option<PathBuf>,
    keys: Keys,
    hubs: [HubContext; 2],
}

impl Pages {
    pub(crate) fn new(wwwroot: Option<PathBuf>, keys: &Keys, hubs: &Hubs) -> Self {
        Self { wwwroot, keys: keys.clone(), hubs: hubs.contexts() }
    }

    pub(crate) async fn serve(self, request: Request<Incoming>) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return status(StatusCode::NOT_FOUND);
        }
        let path = request.uri().path();
        if path.eq_ignore_ascii_case("/generateJwtToken") {
            return match self.keys.token() {
                Ok(token) => text(StatusCode::OK, token),
                Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            };
        }
        if let Some(id) = behind(path, "/clientresult").and_then(|rest| rest.strip_prefix('/')) {
            let result = client_result(&self.hubs, id).await;
            let shown = result.map_or_else(|error| error.to_string(), |number| number.to_string());
            return text(StatusCode::OK, shown);
        }
        self.file(path)
    }

    /// A file below the folder that is served.
    fn file(&self, path: &str) -> Response<Body> {
        let missing = || status(StatusCode::NOT_FOUND);
        let Some(root) = &self.wwwroot else { return missing() };
        let path = Path::new(path.trim_start_matches('/'));
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return missing();
        }
        // Links may lead out of the folder.
        let real = root.canonicalize().and_then(|root| Ok((root.join(path).canonicalize()?, root)));
        let Ok((file, root)) = real else { return missing() };
        if !file.starts_with(root) || !file.is_file() {
            return missing();
        }
        let Ok(bytes) = std::fs::read(file) else { return missing() };
        let kind = match path.extension().and_then(|extension| extension.to_str()) {
            Some("html") => "text/html; charset=utf-8",
            Some("js" | "mjs") => "text/javascript; charset=utf-8",
            Some("json" | "map") => "application/json",
            Some("css") => "text/css; charset=utf-8",
            _ => "application/octet-stream",
        };
        typed(StatusCode::OK, kind, bytes)
    }
}
