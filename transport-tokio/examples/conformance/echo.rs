//! A connection without the hub protocol.

use hub_async::RawConnection;

/// Sends back what comes.
pub(crate) async fn echo(mut connection: RawConnection) {
    while let Some(chunk) = connection.receive().await {
        if connection.send(chunk.format, &chunk.bytes).await.is_err() {
            return;
        }
    }
}
