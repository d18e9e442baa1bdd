//! What clients can call.

use std::sync::Arc;

use hub_core::Timestamp;
use hub_core::registry::Audience;
use hub_core::server::{Call, CallFault};
use hub_proto::{Encoding, Frame, Prepared};

use crate::{Hub, lock};

impl Hub {
    /// Binds the arguments, runs the method and encodes its answer.
    pub(crate) fn invoke(
        &self,
        call: &Call,
        now: Timestamp,
    ) -> Result<Option<Frame>, CallFault<'static>> {
        let arguments = call.arguments();
        let result = match call.target.to_ascii_lowercase().as_str() {
            "add" => {
                let (a, b) = arguments.bind::<(i32, i32)>().map_err(CallFault::Arguments)?;
                call.reply.result(&a.wrapping_add(b))
            }
            "shout" => {
                let text = arguments.bind::<(String,)>().map_err(CallFault::Arguments)?;
                self.shout(&text, now);
                call.reply.result(&())
            }
            "fail" => return Err(CallFault::Failed(Some("HubException: It failed."))),
            _ => {
                return arguments
                    .check()
                    .map_err(CallFault::Arguments)
                    .and(Err(CallFault::UnknownMethod));
            }
        };
        result.map_err(|_| CallFault::Failed(None))
    }

    /// A broadcast: encoded once per encoding, queued for everybody, written outside of the registry's lock.
    fn shout(&self, text: &(String,), now: Timestamp) {
        let mut message = Prepared::new("Shouted", text);
        if Encoding::BUILT_IN.into_iter().any(|encoding| message.encode(encoding).is_err()) {
            return;
        }
        let mut peers = Vec::new();
        lock(&self.everybody).each(&Audience::All, &[], |peer| peers.push(Arc::clone(peer)));
        for peer in peers {
            let mut session = lock(&peer.session);
            message.frame(session.encoding()).map(|frame| session.send(frame, now));
            drop(session);
            peer.write(now);
        }
    }
}
