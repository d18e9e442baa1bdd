//! What is refused before anybody connects, and in which words.

use hub_async::server::MountError;
use hub_async::{BuildError, Cancel, Context, DisconnectReason, HubOptions, State, Transports};

use super::*;

async fn nothing() {}

fn refusal(hub: HubBuilder) -> String {
    hub.build().expect_err("a hub that cannot be built").to_string()
}

#[test]
fn two_methods_of_one_name_are_named_both() {
    let hub = Hub::builder().method("SendMessage", nothing).method("sendmessage", nothing);
    let error = hub.build().expect_err("a clash");
    let (first, second) = ("SendMessage".to_owned(), "sendmessage".to_owned());
    assert_eq!(error, BuildError::Duplicate { first, second });
    assert_eq!(
        error.to_string(),
        "Duplicate definitions of 'sendmessage'. Overloading is not supported: 'SendMessage' has the same name."
    );
}

#[test]
fn what_a_handler_takes_must_be_there() {
    async fn takes_state(_: State<String>) {}
    async fn takes_reason(_: DisconnectReason) {}
    async fn takes_argument(_: Context, _: i32) {}
    assert_eq!(
        refusal(Hub::builder().method("M", takes_state)),
        "method 'M' takes State<alloc::string::String>, which the hub was not given: add .state(…) to its builder"
    );
    assert_eq!(
        refusal(Hub::builder().on_connected(takes_reason)),
        "on_connected takes a DisconnectReason, which only on_disconnected can"
    );
    async fn takes_cancel(_: Cancel) {}
    for hub in
        [Hub::builder().on_connected(takes_cancel), Hub::builder().on_disconnected(takes_cancel)]
    {
        let refused = refusal(hub);
        assert!(refused.contains("takes a Cancel, which only a method can"), "{refused}");
    }
    assert_eq!(
        refusal(Hub::builder().on_connected(takes_argument)),
        "on_connected takes an argument, but no client sends it one: a hook takes extractors only"
    );
    assert!(Hub::builder().state(String::new()).method("M", takes_state).build().is_ok());
    assert!(Hub::builder().on_disconnected(takes_reason).build().is_ok());
}

#[test]
fn thirteen_arguments_are_one_too_many() {
    macro_rules! method {
        ($($name:ident)*) => { async |$($name: u8),*| { $(let _ = $name;)* } };
    }
    assert!(Hub::builder().method("M", method!(a b c d e f g h i j k l)).build().is_ok());
    assert_eq!(
        refusal(Hub::builder().method("M", method!(a b c d e f g h i j k l m))),
        "method 'M' takes 13 arguments, at most 12 are possible"
    );
}

#[test]
fn an_address_that_is_taken_is_told_with_what_to_do() {
    run(async {
        let address = "127.0.0.1:5000";
        let _first = Server::on(world()).bind(address).await.expect("it is free");
        let error = Server::on(world()).bind(address).await.map(drop).expect_err("it is taken");
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
        let told = error.to_string();
        assert!(told.starts_with("cannot listen at 127.0.0.1:5000: "), "{told}");
        assert!(told.contains("perhaps the server runs already"), "{told}");
        let error = Server::on(world()).bind("nowhere").await.map(drop).expect_err("no address");
        assert!(error.to_string().starts_with("no address to listen at: "), "{error}");
    });
}

#[test]
fn what_cannot_be_served_is_refused() {
    let hub = |options| Hub::builder().options(options).build().expect("a hub");
    let plain = || hub(HubOptions::new());
    let mount = |server: Server<World>| server.into_service().map(drop).expect_err("refused");
    assert_eq!(
        mount(Server::on(world()).hub("/a", plain()).hub("/A/", plain())),
        MountError::Duplicate("/A".to_owned())
    );
    assert_eq!(mount(Server::on(world()).hub("a", plain())), MountError::Path("a".to_owned()));
    let none = HubOptions::new().transports(Transports::NONE);
    assert_eq!(
        mount(Server::on(world()).hub("/a", hub(none))).to_string(),
        "the hub at /a allows no transport"
    );
    let never = HubOptions::new().keep_alive_interval(Duration::ZERO);
    assert_eq!(
        mount(Server::on(world()).hub("/a", hub(never))).to_string(),
        "the hub at /a: keep_alive_interval must be more than zero"
    );
}

#[test]
fn a_result_that_would_be_sent_as_a_value_is_refused() {
    let hub = Hub::builder().method("M", async || -> Result<u8, String> { Err("no".to_owned()) });
    assert_eq!(
        refusal(hub),
        "method 'M' returns core::result::Result<u8, alloc::string::String>, whose error does not become a HubError"
    );
}
