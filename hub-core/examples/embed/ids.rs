//! Randomness.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub_core::endpoint::Fresh;

/// The machines draw nothing themselves: ids, seeds and spreads are handed in.
pub(crate) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    #[expect(clippy::expect_used, reason = "there is no safe way to go on without randomness")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

pub(crate) fn fresh() -> Fresh {
    let draw = || URL_SAFE_NO_PAD.encode(random());
    Fresh { connection_id: draw(), connection_token: draw() }
}
