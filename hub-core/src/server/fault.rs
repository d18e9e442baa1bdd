//! Why a call fails, in ASP.NET Core's words.

use hub_proto::BindError;

/// Why a call fails before or while its method runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFault<'a> {
    /// No method has that name.
    UnknownMethod,
    /// The arguments do not fit the method.
    Arguments(BindError),
    /// The client expects a stream from a method that returns one value.
    NotStreaming,
    /// The client expects one value from a method that returns a stream.
    Streaming,
    /// The client sends another number of streams than the method takes.
    Streams {
        /// How many the client sends.
        sent: usize,
        /// How many the method takes.
        expected: usize,
    },
    /// A stream with that id is open already.
    StreamInUse(&'a str),
    /// As many streams are open as there may be.
    TooManyStreams(usize),
    /// As many calls wait for their turn as there may be.
    TooMany(usize),
    /// The message is larger than the method takes, in bytes.
    TooLarge(usize),
    /// The client expects a stream, and there is none.
    NoStream,
    /// The method failed, with a detail that may be shown: `{Type}: {text}`.
    Failed(Option<&'a str>),
    /// The stream that the method returned failed, with a detail of the same kind.
    StreamFailed(Option<&'a str>),
}

impl From<BindError> for CallFault<'_> {
    fn from(error: BindError) -> Self {
        Self::Arguments(error)
    }
}

impl CallFault<'_> {
    /// A short name without any of the peer's bytes, for logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::UnknownMethod => "unknown method",
            Self::Arguments(BindError::Syntax) => "malformed arguments",
            Self::Arguments(BindError::NotAList) => "arguments are no list",
            Self::Arguments(BindError::Count { .. }) => "wrong number of arguments",
            Self::Arguments(BindError::Shape) => "wrong shape of arguments",
            Self::NotStreaming => "the method does not stream",
            Self::Streaming => "the method streams",
            Self::StreamInUse(_) => "stream id in use",
            Self::TooManyStreams(_) => "too many streams",
            Self::TooMany(_) => "too many waiting calls",
            Self::TooLarge(_) => "message too large for the method",
            Self::Streams { .. } => "wrong number of streams",
            Self::NoStream => "no stream",
            Self::Failed(_) => "the method failed",
            Self::StreamFailed(_) => "the stream failed",
        }
    }

    /// The error text of the completion. `target` is echoed in the caller's spelling.
    pub fn text(&self, target: &str, detailed: bool) -> String {
        match self {
            Self::UnknownMethod => format!(
                "Failed to invoke '{target}' due to an error on the server. HubException: Method does not exist."
            ),
            Self::Arguments(error) if detailed => {
                format!(
                    "Failed to invoke '{target}' due to an error on the server. InvalidDataException: {error}"
                )
            }
            Self::Arguments(_) => {
                format!("Failed to invoke '{target}' due to an error on the server.")
            }
            Self::NotStreaming => format!(
                "The client attempted to invoke the non-streaming '{target}' method with a streaming invocation."
            ),
            Self::Streaming => format!(
                "The client attempted to invoke the streaming '{target}' method with a non-streaming invocation."
            ),
            // The text of .NET, which has it for streams that it sends only.
            Self::StreamInUse(id) => format!("Invocation ID '{id}' is already in use."),
            Self::TooManyStreams(most) => format!(
                "Failed to invoke '{target}' because {most} streams are open, which is the limit."
            ),
            Self::TooMany(most) => format!(
                "Failed to invoke '{target}' because {most} invocations wait, which is the limit."
            ),
            Self::TooLarge(most) if detailed => format!(
                "Failed to invoke '{target}' due to an error on the server. InvalidDataException: The maximum message size of {most}B was exceeded."
            ),
            Self::TooLarge(_) => {
                format!("Failed to invoke '{target}' due to an error on the server.")
            }
            Self::Streams { sent, expected } => format!(
                "An unexpected error occurred invoking '{target}' on the server. HubException: Client sent {sent} stream(s), Hub method expects {expected}."
            ),
            Self::NoStream => format!(
                "The value returned by the streaming method '{target}' is not a ChannelReader<> or IAsyncEnumerable<>."
            ),
            Self::StreamFailed(Some(detail)) => {
                format!("An error occurred on the server while streaming results. {detail}")
            }
            Self::StreamFailed(None) => {
                "An error occurred on the server while streaming results.".to_owned()
            }
            Self::Failed(Some(detail)) => {
                format!("An unexpected error occurred invoking '{target}' on the server. {detail}")
            }
            Self::Failed(None) => {
                format!("An unexpected error occurred invoking '{target}' on the server.")
            }
        }
    }
}
