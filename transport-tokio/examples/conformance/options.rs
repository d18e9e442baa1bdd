//! What the command line says.

use std::path::PathBuf;

const KNOWN: &str = "--http PORT, --https PORT, --wwwroot DIR, --attached";

/// Ports, and where files are.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// 0 is a free one.
    pub(crate) http: u16,
    pub(crate) https: u16,
    pub(crate) wwwroot: Option<PathBuf>,
    /// Whether it ends with its standard input.
    pub(crate) attached: bool,
}

impl Options {
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut options, mut arguments) = (Self::default(), arguments);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{name} needs a value"));
            match &*name {
                "--http" => options.http = port(&value()?)?,
                "--https" => options.https = port(&value()?)?,
                "--wwwroot" => options.wwwroot = Some(folder(value()?)?),
                "--attached" => options.attached = true,
                _ => return Err(format!("unknown: {name}; known: {KNOWN}")),
            }
        }
        Ok(options)
    }
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|error| format!("{text} is no port: {error}"))
}

fn folder(text: String) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_dir() { Ok(path) } else { Err(format!("{} is no folder", path.display())) }
}
