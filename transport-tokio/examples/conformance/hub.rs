//! The hubs.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use hub_async::server::{Server, Transport};
use hub_async::{
    BuildError, Cancel, Context, Hub, HubBuilder, HubContext, HubError, HubOptions, InvokeError,
    StreamReader, Transports,
};

use crate::values::{ComplexObject, CustomObject};

/// Each hub, which all servers have together.
pub(crate) struct Hubs {
    test: Hub,
    /// The same, for those who are to do without WebSockets.
    without_web_sockets: Hub,
    authorized: Hub,
    uncreatable: Hub,
}

impl Hubs {
    pub(crate) fn new() -> Result<Self, BuildError> {
        let options = HubOptions::new().enable_detailed_errors(true);
        let builder = || Hub::builder().options(options.clone());
        let others = Transports::SERVER_SENT_EVENTS | Transports::LONG_POLLING;
        Ok(Self {
            test: test(builder()).build()?,
            without_web_sockets: test(Hub::builder().options(options.clone().transports(others)))
                .build()?,
            authorized: builder().method("Echo", echo).build()?,
            uncreatable: builder().on_connected(cannot_be_created).build()?,
        })
    }

    /// Where the connections of the tests are.
    pub(crate) fn contexts(&self) -> [HubContext; 2] {
        [self.test.context(), self.without_web_sockets.context()]
    }

    pub(crate) fn add_to<T: Transport>(&self, server: Server<T>) -> Server<T> {
        server
            .hub("/testhub", self.test.clone())
            .hub("/testhub-nowebsockets", self.without_web_sockets.clone())
            .hub("/authorizedhub", self.authorized.clone())
            .hub("/uncreatable", self.uncreatable.clone())
    }
}

/// Asks a client, on whichever hub it is.
pub(crate) async fn client_result(hubs: &[HubContext], id: &str) -> Result<i32, InvokeError> {
    for hub in hubs {
        match hub.clients().client(id).invoke("Result", ()).await {
            Err(InvokeError::NoConnection(_)) => {}
            result => return result,
        }
    }
    Err(InvokeError::NoConnection(id.to_owned()))
}

fn test(builder: HubBuilder) -> HubBuilder {
    builder
        .method("Echo", echo)
        .method("ThrowException", throw_exception)
        .method("InvokeWithString", invoke_with_string)
        .method("SendCustomObject", send_custom_object)
        .method("EchoComplexObject", async |value: ComplexObject| value)
        .method("SendComplexObject", async || ComplexObject::sample())
        // What is known of the connection.
        .method("GetCallerConnectionId", async |ctx: Context| ctx.connection_id().to_owned())
        .method("GetNumRedirects", redirects)
        .method("GetActiveTransportName", active_transport)
        .method("GetContentTypeHeader", async |ctx: Context| header(&ctx, "content-type"))
        .method("GetHeader", async |ctx: Context, name: String| header(&ctx, &name))
        .method("GetCookie", cookie)
        // Streams.
        .method("Stream", async || stream::iter(["a", "b", "c"]))
        .method("EmptyStream", async || stream::empty::<i32>())
        .method("InfiniteStream", infinite_stream)
        .method("StreamThrowException", stream_throw_exception)
        .method("StreamingConcat", streaming_concat)
}

async fn echo(message: String) -> String {
    message
}

fn invalid_operation(message: impl Into<String>) -> HubError {
    HubError::new(message).named("InvalidOperationException").hidden()
}

async fn throw_exception(message: String) -> Result<(), HubError> {
    Err(invalid_operation(message))
}

async fn invoke_with_string(ctx: Context, message: String) -> Result<(), HubError> {
    ctx.clients().caller().send("Message", (message,)).await?;
    Ok(())
}

async fn send_custom_object(ctx: Context, value: CustomObject) -> Result<(), HubError> {
    ctx.clients().caller().send("CustomObject", (value,)).await?;
    Ok(())
}

/// Fails as late as it does in .NET: clients have seen their connection start by then.
async fn cannot_be_created(_: Context) -> Result<(), HubError> {
    tokio::time::sleep(Duration::from_millis(100)).await;
    Err(invalid_operation(
        "Unable to resolve service for type 'System.Object' while attempting to activate 'FunctionalTests.UncreatableHub'.",
    ))
}

async fn redirects(ctx: Context) -> Result<i32, HubError> {
    let count = ctx.request().query_value("numRedirects").unwrap_or_default().parse()?;
    Ok(count)
}

async fn active_transport(ctx: Context) -> Option<&'static str> {
    ctx.transport().names().next()
}

fn header(ctx: &Context, name: &str) -> Option<String> {
    ctx.request().header(name).map(str::to_owned)
}

async fn cookie(ctx: Context, name: String) -> Option<String> {
    ctx.request().cookie(&name).map(str::to_owned)
}

/// Nothing comes until it is cancelled, of which the client is told.
async fn infinite_stream(ctx: Context, cancel: Cancel) -> impl Stream<Item = i32> {
    let waiting = async move {
        cancel.cancelled().await;
        ctx.clients().caller().send("StreamCanceled", ()).await.ok();
    };
    stream::once(waiting).filter_map(async |()| None)
}

async fn stream_throw_exception(message: String) -> Result<stream::Empty<i32>, HubError> {
    Err(invalid_operation(message))
}

async fn streaming_concat(mut parts: StreamReader<String>) -> Result<String, HubError> {
    let mut all = String::new();
    while let Some(part) = parts.next().await {
        all.push_str(&part?);
    }
    Ok(all)
}
