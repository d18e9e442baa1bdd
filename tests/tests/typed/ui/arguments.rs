//! What arguments and results may not be.

use std::borrow::Cow;

use hub_async::{Context, hub, hub_client};

struct Chat;

#[hub]
impl Chat {
    async fn borrowed(&self, ctx: Context, text: &str) {}
    async fn nested(&self, texts: Vec<Cow<'_, str>>) {}
    async fn any(&self, text: impl ToString) {}
    async fn sometimes(&self, #[cfg(unix)] text: String) {}
    async fn many(
        &self,
        a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8,
        i: u8, j: u8, k: u8, l: u8, m: u8, n: u8, o: u8, p: u8,
    ) {
    }
    async fn named<'a>(&'a self, text: &'a str) {}
}

#[hub_client]
trait Window {
    async fn pattern(&self, (a, b): (u8, u8));
    async fn ignored(&self, _: u8);
    async fn any(&self, text: impl ToString);
    async fn fails(&self) -> Result<u8, String>;
    async fn borrowed(&self) -> &str;
    async fn named<'a>(&self, text: &'a str);
    async fn many(
        &self,
        a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8, m: u8,
    );
    async fn streams(&self) -> impl Iterator<Item = u8>;
}

fn main() {}
