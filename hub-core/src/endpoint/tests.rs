use std::mem::size_of;

use proptest::prelude::*;

use super::*;

const SEED: [u8; 16] = [9; 16];
const T0: Timestamp = Timestamp::from_millis(1_000);

fn table() -> Table<u32> {
    Table::new(Config::default(), SEED)
}

fn fresh(name: &str) -> impl FnOnce() -> Fresh + use<> {
    let (connection_id, connection_token) = (format!("{name}-id"), format!("{name}-token"));
    move || Fresh { connection_id, connection_token }
}

fn nothing_fresh() -> Fresh {
    panic!("nothing fresh is needed here")
}

fn attach(table: &mut Table<u32>, request: Request, query: &str) -> Outcome<u32> {
    table.attach(request, query, T0, nothing_fresh)
}

/// Status, content type, body and whether no cache may keep it.
fn told(outcome: Outcome<u32>) -> (u16, Option<&'static str>, String, bool) {
    let Outcome::Answer(answer) = outcome else { panic!("attached") };
    assert!(answer.headers.is_empty() || answer.headers == NO_CACHE);
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    (answer.status, answer.content_type, body, !answer.headers.is_empty())
}

fn claimed(outcome: Outcome<u32>) -> Claim {
    match outcome {
        Outcome::Attach(claim) => claim,
        other => panic!("{other:?}"),
    }
}

fn resuming_table() -> Table<u32> {
    Table::new(Config { allow_stateful_reconnects: true, ..Config::default() }, SEED)
}

/// A table with `p-token` pending and `l-token` live.
fn two() -> Table<u32> {
    let mut table = table();
    table.negotiate("negotiateVersion=1", T0, fresh("p"));
    table.negotiate("negotiateVersion=1", T0, fresh("l"));
    claimed(attach(&mut table, Request::WebSocket, "id=l-token"));
    table.bind("l-token", 1).unwrap();
    table
}

/// A table with `p-token` pending, and one live by each transport: `w-token` 1, `e-token` 2 and `l-token` 3.
fn four(transports: Transports) -> Table<u32> {
    let mut table = table();
    for name in ["p", "w", "e", "l"] {
        table.negotiate("negotiateVersion=1", T0, fresh(name));
    }
    let live = [
        ("w-token", Request::WebSocket),
        ("e-token", Request::ServerSentEvents),
        ("l-token", Request::LongPoll),
    ];
    for (number, (token, request)) in (1..).zip(live) {
        claimed(attach(&mut table, request, &format!("id={token}")));
        table.bind(token, number).unwrap();
    }
    table.config.transports = transports;
    table
}

#[test]
fn every_answer_without_a_session() {
    use Request::*;
    let plain = Some("text/plain");
    let required = "Connection ID required";
    let unknown = "No Connection with that ID";
    let no_change = "Cannot change transports mid-connection";
    let no_sockets = "WebSockets transport not supported by this end point type";
    let no_events = "ServerSentEvents transport not supported by this end point type";
    let no_polls = "LongPolling transport not supported by this end point type";
    let no_post = "POST requests are not allowed for WebSocket connections.";
    let no_delete = "Cannot terminate this connection using the DELETE endpoint.";
    let rows = [
        (ServerSentEvents, "", 400, plain, required, false),
        (ServerSentEvents, "id=", 400, plain, required, false),
        (LongPoll, "", 400, plain, required, true),
        (Post, "", 400, plain, required, false),
        (Delete, "", 400, plain, required, false),
        (Delete, "id=&x=p-token", 400, plain, required, false),
        (WebSocket, "id=x", 404, None, unknown, false),
        (WebSocket, "id=p-id", 404, None, unknown, false),
        (WebSocket, "id=P-TOKEN", 404, None, unknown, false),
        (WebSocket, "id=p-token&id=p-token", 404, None, unknown, false),
        (ServerSentEvents, "id=x", 404, plain, unknown, false),
        (LongPoll, "id=x", 404, plain, unknown, true),
        (Post, "id=x", 404, plain, unknown, false),
        (Delete, "id=x", 404, plain, unknown, false),
        (WebSocket, "id=e-token", 400, plain, no_change, false),
        (WebSocket, "id=l-token", 400, plain, no_change, false),
        (ServerSentEvents, "id=w-token", 400, plain, no_change, false),
        (ServerSentEvents, "id=l-token", 400, plain, no_change, false),
        (LongPoll, "id=w-token", 400, plain, no_change, true),
        (LongPoll, "ID=e%2Dtoken", 400, plain, no_change, true),
        (WebSocket, "id=w-token", 409, plain, "", false),
        (Post, "id=w-token", 405, plain, no_post, false),
        (Delete, "id=w-token", 400, plain, no_delete, false),
        (Delete, "id=e-token", 400, plain, no_delete, false),
        (Delete, "id=p-token", 400, plain, no_delete, false),
        (Other, "", 405, plain, "", false),
        (Other, "id=l-token", 405, plain, "", false),
    ];
    for (request, query, status, content_type, body, no_cache) in rows {
        let mut table = four(Transports::ALL);
        let outcome = attach(&mut table, request, query);
        assert_eq!(
            told(outcome),
            (status, content_type, body.to_owned(), no_cache),
            "{request:?} {query}"
        );
        assert_eq!((table.pending(), table.live()), (1, 3));
    }
    // The mask comes behind the id, and before the transport that the connection has.
    let masked = [
        (WebSocket, "", 404, no_sockets, false),
        (WebSocket, "id=x", 404, unknown, false),
        (WebSocket, "id=p-token", 404, no_sockets, false),
        (ServerSentEvents, "", 400, required, false),
        (ServerSentEvents, "id=w-token", 404, no_events, false),
        (LongPoll, "id=e-token", 404, no_polls, true),
    ];
    for (request, query, status, body, no_cache) in masked {
        let mut table = four(Transports::NONE);
        let (found, _, text, uncached) = told(attach(&mut table, request, query));
        assert_eq!((found, &*text, uncached), (status, body, no_cache), "{request:?} {query}");
    }
}

#[test]
fn what_belongs_to_a_session_goes_there() {
    let mut table = four(Transports::ALL);
    let rows = [
        (Request::ServerSentEvents, "id=e-token", Outcome::Resume(2)),
        (Request::LongPoll, "id=l-token", Outcome::Resume(3)),
        (Request::Delete, "id=l-token", Outcome::Delete(3)),
        (Request::Post, "id=l-token", Outcome::Post("l-token".into())),
        (Request::Post, "id=e-token", Outcome::Post("e-token".into())),
        (Request::Post, "id=p-token", Outcome::Post("p-token".into())),
    ];
    for (request, query, outcome) in rows {
        assert_eq!(attach(&mut table, request, query), outcome, "{request:?} {query}");
    }
    assert_eq!(table.post("l-token", b"x", true, T0), Posting::To(3));
    assert_eq!(table.post("e-token", b"x", false, T0), Posting::To(2));
}

#[test]
fn what_is_posted_before_the_first_get_is_handed_to_whoever_claims() {
    for request in [Request::ServerSentEvents, Request::LongPoll, Request::WebSocket] {
        let mut table = table();
        table.negotiate("negotiateVersion=1", T0, fresh("a"));
        assert_eq!(table.post("a-token", b"one ", true, T0), Posting::Kept);
        assert_eq!(table.post("a-token", b"", true, T0), Posting::Kept);
        assert_eq!(table.post("a-token", b"two", true, T0), Posting::Kept);
        let claim = claimed(attach(&mut table, request, "id=a-token"));
        assert_eq!(claim.early, b"one two");
        let late = table.post("a-token", b"late", true, T0);
        match request {
            Request::WebSocket => {
                assert!(matches!(late, Posting::Answer(answer) if answer.status == 405))
            }
            _ => assert_eq!(late, Posting::Wait, "until there is a session"),
        }
    }
}

#[test]
fn early_bytes_have_a_limit_each_and_together_and_go_with_their_connection() {
    let mut table = table();
    let most = vec![b'x'; EARLY];
    let many = EARLY_TOGETHER / EARLY;
    for number in 0..=many {
        table.negotiate("negotiateVersion=1", T0, fresh(&number.to_string()));
    }
    assert_eq!(table.post("0-token", &most[1..], true, T0), Posting::Kept);
    assert_eq!(table.post("0-token", b"xy", true, T0), Posting::Wait);
    assert_eq!(table.post("0-token", b"x", false, T0), Posting::Wait, "there is more to come");
    assert_eq!(table.post("0-token", b"x", true, T0), Posting::Kept);
    for number in 1..many {
        assert_eq!(table.post(&format!("{number}-token"), &most, true, T0), Posting::Kept);
    }
    let last = format!("{many}-token");
    assert_eq!(table.post(&last, b"x", true, T0), Posting::Wait);
    table.release("1-token");
    assert_eq!(table.post(&last, &most, true, T0), Posting::Kept);
    assert_eq!(table.early, EARLY_TOGETHER);
    claimed(attach(&mut table, Request::LongPoll, "id=2-token"));
    assert_eq!(table.early, EARLY_TOGETHER - EARLY);
    let late = T0 + Duration::from_secs(16);
    let answer = Answer::gone();
    assert_eq!(table.post(&last, b"x", true, late), Posting::Answer(answer), "it has expired");
    assert_eq!(table.early, 0);
}

#[test]
fn version_1_is_claimed_by_the_token() {
    let mut table = table();
    let answer = table.negotiate("negotiateVersion=1", T0, fresh("a"));
    assert_eq!((answer.status, answer.content_type), (200, Some("application/json")));
    assert!(answer.headers.is_empty());
    assert_eq!(
        answer.body,
        concat!(
            r#"{"negotiateVersion":1,"connectionId":"a-id","connectionToken":"a-token","#,
            r#""availableTransports":[{"transport":"WebSockets","transferFormats":["Text","Binary"]},"#,
            r#"{"transport":"ServerSentEvents","transferFormats":["Text"]},"#,
            r#"{"transport":"LongPolling","transferFormats":["Text","Binary"]}]}"#
        )
    );
    assert_eq!((table.pending(), table.live()), (1, 0));
    let claim = claimed(attach(&mut table, Request::WebSocket, "id=a-token"));
    assert_eq!((&*claim.connection_id, &*claim.token), ("a-id", "a-token"));
    assert!(!format!("{claim:?} {table:?}").contains("a-token"));
    assert_eq!((table.pending(), table.live()), (0, 1));
    assert_eq!(table.poll_timeout(), None);
}

#[test]
fn version_0_is_claimed_by_the_id() {
    let mut table = table();
    let answer = table.negotiate("", T0, fresh("a"));
    assert_eq!(
        answer.body,
        concat!(
            r#"{"negotiateVersion":0,"connectionId":"a-id","#,
            r#""availableTransports":[{"transport":"WebSockets","transferFormats":["Text","Binary"]},"#,
            r#"{"transport":"ServerSentEvents","transferFormats":["Text"]},"#,
            r#"{"transport":"LongPolling","transferFormats":["Text","Binary"]}]}"#
        )
    );
    let claim = claimed(attach(&mut table, Request::WebSocket, "id=a-id"));
    assert_eq!((&*claim.connection_id, &*claim.token), ("a-id", "a-id"));
}

#[test]
fn an_upgrade_without_an_id_is_a_new_connection() {
    for query in ["", "id=", "access_token=x"] {
        let mut table = table();
        let claim = claimed(table.attach(Request::WebSocket, query, T0, fresh("a")));
        assert_eq!((&*claim.connection_id, &*claim.token), ("a-id", "a-id"));
        assert_eq!((table.pending(), table.live(), table.poll_timeout()), (0, 1, None));
    }
}

#[test]
fn a_refused_negotiation_registers_nothing() {
    let mut table: Table<u32> =
        Table::new(Config { minimum_version: 1, ..Config::default() }, SEED);
    for query in ["", "negotiateVersion=0", "negotiateVersion=x", "negotiateVersion=-1"] {
        let answer = table.negotiate(query, T0, nothing_fresh);
        assert_eq!((answer.status, answer.content_type), (200, Some("application/json")));
        assert!(answer.body.starts_with(b"{\"error\":\"The client requested "), "{answer:?}");
        assert_eq!(table.pending(), 0);
    }
}

#[test]
fn negotiations_are_answered_through_attach_as_well() {
    let mut table = table();
    let (status, content_type, ..) = told(table.attach(Request::Negotiate, "", T0, fresh("a")));
    assert_eq!((status, content_type, table.pending()), (200, Some("application/json"), 1));
}

#[test]
fn only_what_an_endpoint_allows_is_offered() {
    for (transports, offered) in [
        (Transports::NONE, "[]}"),
        (
            Transports::SERVER_SENT_EVENTS,
            r#"[{"transport":"ServerSentEvents","transferFormats":["Text"]}]}"#,
        ),
        (
            Transports::LONG_POLLING,
            r#"[{"transport":"LongPolling","transferFormats":["Text","Binary"]}]}"#,
        ),
    ] {
        let mut table: Table<u32> = Table::new(Config { transports, ..Config::default() }, SEED);
        let answer = table.negotiate("", T0, fresh("a"));
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(body.ends_with(&format!("\"availableTransports\":{offered}")), "{body}");
    }
}

#[test]
fn an_endpoint_without_web_sockets_refuses_them() {
    let config = Config { transports: Transports::LONG_POLLING, ..Config::default() };
    let mut table: Table<u32> = Table::new(config, SEED);
    table.negotiate("", T0, fresh("a"));
    let refusal = "WebSockets transport not supported by this end point type".to_owned();
    for query in ["", "id=a-id"] {
        let outcome = attach(&mut table, Request::WebSocket, query);
        assert_eq!(told(outcome), (404, Some("text/plain"), refusal.clone(), false));
    }
    assert_eq!(
        told(attach(&mut table, Request::WebSocket, "id=x")).2,
        "No Connection with that ID"
    );
    assert_eq!((table.pending(), table.live()), (1, 0));
}

#[test]
fn a_negotiation_expires_when_it_is_older_than_the_timeout() {
    let mut table = table();
    table.negotiate("", T0, fresh("a"));
    let last = T0 + Duration::from_secs(15);
    let at = last + Duration::from_nanos(1);
    assert_eq!(table.poll_timeout(), Some(Deadline { at, why: Timer::Disconnect }));
    table.handle_timeout(last);
    assert_eq!(table.pending(), 1);
    table.handle_timeout(at);
    assert_eq!((table.pending(), table.poll_timeout()), (0, None));
    assert_eq!(told(table.attach(Request::WebSocket, "id=a-id", at, nothing_fresh)).0, 404);
}

#[test]
fn a_late_timer_does_not_lengthen_the_wait() {
    let mut table = table();
    table.negotiate("", T0, fresh("a"));
    let late = T0 + Duration::from_secs(16);
    assert_eq!(told(table.attach(Request::WebSocket, "id=a-id", late, nothing_fresh)).0, 404);
    // Time does not run backwards.
    table.negotiate("", T0, fresh("b"));
    assert_eq!(table.poll_timeout().unwrap().at, late + Duration::from_nanos(15_000_000_001));
}

#[test]
fn a_claimed_connection_does_not_expire() {
    let mut table = two();
    table.handle_timeout(Timestamp::MAX);
    assert_eq!((table.pending(), table.live()), (0, 1));
    assert_eq!(table.handle("l-token"), Some(&1));
}

#[test]
fn a_token_that_comes_again_has_its_own_deadline() {
    let mut table = table();
    table.negotiate("", T0, fresh("other"));
    table.negotiate("", T0, fresh("a"));
    table.release("a-id");
    let later = T0 + Duration::from_secs(10);
    table.negotiate("", later, fresh("a"));
    table.handle_timeout(T0 + Duration::from_secs(16));
    assert_eq!(table.pending(), 1);
    assert_eq!(table.poll_timeout().unwrap().at, later + Duration::from_nanos(15_000_000_001));
}

#[test]
fn a_drawn_token_that_exists_stays_with_its_owner() {
    let mut table = two();
    assert_eq!(table.negotiate("negotiateVersion=1", T0, fresh("l")).status, 503);
    assert_eq!(table.handle("l-token"), Some(&1));
    table.attach(Request::WebSocket, "", T0, fresh("x"));
    assert_eq!(told(table.attach(Request::WebSocket, "", T0, fresh("x"))).0, 503);
    assert_eq!((table.pending(), table.live()), (1, 2));
}

#[test]
fn too_many_negotiations_are_turned_away() {
    let mut table: Table<u32> = Table::new(Config { max_pending: 1, ..Config::default() }, SEED);
    assert_eq!(table.negotiate("", T0, fresh("a")).status, 200);
    let refused = table.negotiate("", T0, nothing_fresh);
    assert_eq!((refused.status, refused.content_type), (503, Some("text/plain")));
    assert!(refused.body.is_empty());
    claimed(attach(&mut table, Request::WebSocket, "id=a-id"));
    assert_eq!(table.negotiate("", T0, fresh("b")).status, 200);
    let expired = T0 + Duration::from_secs(16);
    assert_eq!(table.negotiate("", expired, fresh("c")).status, 200);
}

#[test]
fn too_many_connections_are_turned_away() {
    let mut table: Table<u32> = Table::new(Config { max_live: 1, ..Config::default() }, SEED);
    table.negotiate("", T0, fresh("a"));
    let first = claimed(table.attach(Request::WebSocket, "", T0, fresh("b")));
    assert_eq!(told(attach(&mut table, Request::WebSocket, "")).0, 503);
    assert_eq!(told(attach(&mut table, Request::WebSocket, "id=a-id")).0, 503);
    table.release(&first.token);
    claimed(attach(&mut table, Request::WebSocket, "id=a-id"));
}

#[test]
fn nobody_new_gets_in_while_draining() {
    let mut table = two();
    table.drain();
    assert!(table.is_draining());
    let unavailable = (503, Some("text/plain"), String::new(), false);
    assert_eq!(told(attach(&mut table, Request::Negotiate, "negotiateVersion=x")), unavailable);
    assert_eq!(told(attach(&mut table, Request::WebSocket, "")), unavailable);
    assert_eq!(told(attach(&mut table, Request::WebSocket, "id=p-token")), unavailable);
    assert_eq!(told(attach(&mut table, Request::WebSocket, "id=x")).0, 404);
    assert_eq!(told(attach(&mut table, Request::WebSocket, "id=l-token")).0, 409);
    assert_eq!(table.release("l-token"), Some(1));
    table.handle_timeout(Timestamp::MAX);
    assert_eq!((table.pending(), table.live()), (0, 0));
}

#[test]
fn a_handle_is_bound_once_and_only_after_a_claim() {
    let mut table = two();
    assert_eq!(table.bind("x", 7), Err(7));
    assert_eq!(table.bind("p-token", 7), Err(7));
    assert_eq!(table.bind("l-token", 7), Err(7));
    assert_eq!((table.handle("p-token"), table.handle("l-token")), (None, Some(&1)));
    claimed(attach(&mut table, Request::WebSocket, "id=p-token"));
    assert_eq!(table.handle("p-token"), None);
    assert_eq!(told(attach(&mut table, Request::WebSocket, "id=p-token")).0, 409);
    assert_eq!(table.release("p-token"), None);
    assert_eq!(table.bind("p-token", 7), Err(7));
    assert_eq!(table.release("l-token"), Some(1));
    assert_eq!(table.release("l-token"), None);
    assert_eq!((table.pending(), table.live()), (0, 0));
}

#[test]
fn claimed_negotiations_do_not_pile_up_behind_a_pending_one() {
    let mut table = table();
    table.negotiate("", T0, fresh("stays"));
    for n in 0..10_000 {
        let name = n.to_string();
        table.negotiate("", T0, fresh(&name));
        claimed(attach(&mut table, Request::WebSocket, &format!("id={name}-id")));
        assert!(table.expiries.len() <= 2 * table.pending() + LEFTOVERS);
    }
    assert_eq!((table.pending(), table.live()), (1, 10_000));
}

#[test]
fn a_connection_is_resumable_when_its_client_asks_and_the_endpoint_grants_it() {
    let asks = "negotiateVersion=1&useStatefulReconnect=true";
    let rows = [
        (resuming_table(), asks, true),
        // Whoever knows the id could take the connection over.
        (resuming_table(), "useStatefulReconnect=true", false),
        (resuming_table(), "negotiateVersion=1", false),
        (resuming_table(), "negotiateVersion=1&useStatefulReconnect=false", false),
        (table(), asks, false),
    ];
    for (mut table, query, resumable) in rows {
        let answer = table.negotiate(query, T0, fresh("a"));
        let granted = answer.body.starts_with(b"{\"useStatefulReconnect\":true,");
        let named = String::from_utf8_lossy(&answer.body).contains("useStatefulReconnect");
        assert_eq!((granted, named), (resumable, resumable), "{query}");
        let token = if query.contains("Version=1") { "a-token" } else { "a-id" };
        let query = format!("id={token}");
        let claim = claimed(attach(&mut table, Request::WebSocket, &query));
        assert_eq!(claim.resumable, resumable, "{query}");
        // Its session is on the way still.
        assert_eq!(told(attach(&mut table, Request::WebSocket, &query)).0, 409);
        table.bind(token, 7).unwrap();
        let second = attach(&mut table, Request::WebSocket, &query);
        assert_eq!(second == Outcome::Resume(7), resumable, "{second:?}");
        assert!(resumable || told(second).0 == 409);
        assert_eq!((table.pending(), table.live(), table.handle(token)), (0, 1, Some(&7)));
    }
}

#[test]
fn a_connection_without_negotiation_is_not_resumable() {
    let mut table = resuming_table();
    let query = "useStatefulReconnect=true";
    let claim = claimed(table.attach(Request::WebSocket, query, T0, fresh("a")));
    assert!(!claim.resumable);
    table.bind("a-id", 7).unwrap();
    assert_eq!(told(attach(&mut table, Request::WebSocket, "id=a-id")).0, 409);
}

#[test]
fn whoever_is_in_may_be_resumed_while_nobody_new_gets_in_and_by_no_other_request() {
    let mut table = resuming_table();
    table.negotiate("negotiateVersion=1&useStatefulReconnect=true", T0, fresh("a"));
    claimed(attach(&mut table, Request::WebSocket, "id=a-token"));
    table.bind("a-token", 7).unwrap();
    assert_eq!(table.drain(), [7]);
    assert_eq!(attach(&mut table, Request::WebSocket, "id=a-token"), Outcome::Resume(7));
    for (request, status) in [
        (Request::ServerSentEvents, 400),
        (Request::LongPoll, 400),
        (Request::Post, 405),
        (Request::Delete, 400),
    ] {
        assert_eq!(told(attach(&mut table, request, "id=a-token")).0, status);
    }
    assert_eq!(table.release("a-token"), Some(7));
    assert_eq!(told(attach(&mut table, Request::WebSocket, "id=a-token")).0, 404);
}

#[test]
fn a_negotiation_is_about_100_bytes() {
    let entry = size_of::<(Arc<str>, State<Arc<()>>)>();
    let counts = 2 * size_of::<usize>();
    let (token, connection_id) = (22, 22);
    let all = entry + size_of::<Expiry>() + counts + token + connection_id;
    assert!(all <= 136, "{all}");
}

/// What can happen to a table; connections are small numbers so that they meet often.
#[derive(Clone, Debug)]
enum Step {
    Negotiate { query: String, draw: u8 },
    Attach { request: Request, query: String, draw: u8 },
    Post { token: String, size: usize, whole: bool },
    Bind(String),
    Release(String),
    Wait(u16),
    Timeout,
    Drain,
}

fn token() -> impl Strategy<Value = String> {
    (0..8u8, any::<bool>())
        .prop_map(|(n, public)| format!("{n}-{}", if public { "id" } else { "token" }))
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => token().prop_map(|token| format!("id={token}")),
        3 => Just("negotiateVersion=1".to_owned()),
        3 => Just("negotiateVersion=1&useStatefulReconnect=true".to_owned()),
        2 => Just(String::new()),
        1 => "[idID=&%+0-9a-f-]{0,12}",
        1 => any::<String>(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    use Request::*;
    let request = prop_oneof![
        6 => Just(WebSocket),
        3 => Just(LongPoll),
        3 => Just(ServerSentEvents),
        1 => prop::sample::select(vec![Negotiate, ServerSentEvents, LongPoll, Post, Delete, Other]),
    ];
    prop_oneof![
        20 => (query(), 0..8u8).prop_map(|(query, draw)| Step::Negotiate { query, draw }),
        30 => (request, query(), 0..8u8).prop_map(|(request, query, draw)| Step::Attach { request, query, draw }),
        10 => (token(), prop_oneof![0..100_usize, 0..EARLY], any::<bool>())
            .prop_map(|(token, size, whole)| Step::Post { token, size, whole }),
        10 => token().prop_map(Step::Bind),
        10 => token().prop_map(Step::Release),
        10 => (0..400u16).prop_map(Step::Wait),
        10 => Just(Step::Timeout),
        1 => Just(Step::Drain),
    ]
}

/// Obviously right about who is there: a list of tokens, each with the time until which it waits.
#[derive(Default)]
struct Model(Vec<Row>);

struct Row {
    token: String,
    connection_id: String,
    waits_until: Option<Timestamp>,
    handle: Option<u32>,
    resumable: bool,
    transport: Option<Request>,
    early: usize,
}

impl Model {
    fn row(&mut self, token: &str) -> Option<&mut Row> {
        self.0.iter_mut().find(|row| row.token == token)
    }

    fn sweep(&mut self, now: Timestamp) {
        self.0.retain(|row| row.waits_until.is_none_or(|until| now <= until));
    }

    fn pending(&self) -> usize {
        self.0.iter().filter(|row| row.waits_until.is_some()).count()
    }
}

const MAX_PENDING: usize = 3;
const MAX_LIVE: usize = 4;
const TIMEOUT: Duration = Duration::from_millis(500);

fn run(table: &mut Table<u32>, model: &mut Model, now: &mut Timestamp, step: &Step, number: u32) {
    match step {
        Step::Negotiate { query, draw } => {
            let answer = table.negotiate(query, *now, fresh(&draw.to_string()));
            negotiated(table, model, *now, query, *draw, &answer);
        }
        Step::Attach { request: Request::Negotiate, query, draw } => {
            let outcome = table.attach(Request::Negotiate, query, *now, fresh(&draw.to_string()));
            let Outcome::Answer(answer) = outcome else { panic!("attached") };
            negotiated(table, model, *now, query, *draw, &answer);
        }
        Step::Attach { request, query, draw } => {
            let outcome = table.attach(*request, query, *now, fresh(&draw.to_string()));
            model.sweep(*now);
            let claim = match outcome {
                Outcome::Answer(_) => return,
                Outcome::Resume(handle) => {
                    let row = id(query).and_then(|token| model.row(&token));
                    let row = row.expect("what is resumed is there");
                    assert_eq!((row.handle, row.transport), (Some(handle), Some(*request)));
                    assert!(row.resumable || *request != Request::WebSocket);
                    return;
                }
                Outcome::Delete(handle) => {
                    let row = id(query).and_then(|token| model.row(&token)).expect("it is there");
                    assert_eq!(
                        (row.handle, row.transport),
                        (Some(handle), Some(Request::LongPoll))
                    );
                    return;
                }
                Outcome::Post(token) => {
                    let row = model.row(&token).expect("it is there");
                    assert_ne!(row.transport, Some(Request::WebSocket));
                    return;
                }
                Outcome::Attach(claim) => claim,
            };
            assert!(!table.is_draining());
            if let Some(token) = id(query) {
                assert_eq!(token, &*claim.token);
                let row = model.row(&claim.token).expect("a claim is of a known token");
                assert!(row.waits_until.take().is_some(), "a connection is claimed once");
                assert_eq!(row.connection_id, &*claim.connection_id);
                row.resumable &= *request == Request::WebSocket;
                assert_eq!(row.resumable, claim.resumable);
                assert_eq!(std::mem::take(&mut row.early), claim.early.len());
                row.transport = Some(*request);
            } else {
                assert_eq!(*request, Request::WebSocket);
                assert_eq!(&*claim.token, format!("{draw}-id"));
                assert!(model.row(&claim.token).is_none());
                let (token, connection_id) =
                    (claim.token.to_string(), claim.connection_id.to_string());
                assert!(!claim.resumable);
                model.0.push(Row {
                    token,
                    connection_id,
                    waits_until: None,
                    handle: None,
                    resumable: false,
                    transport: Some(Request::WebSocket),
                    early: 0,
                });
            }
        }
        Step::Post { token, size, whole } => {
            let posting = table.post(token, &vec![0; *size], *whole, *now);
            model.sweep(*now);
            match (posting, model.row(token)) {
                (Posting::Kept, Some(row)) => {
                    assert!(*whole && row.waits_until.is_some());
                    row.early += size;
                    assert!(row.early <= EARLY);
                }
                (Posting::Wait, Some(row)) => assert!(row.handle.is_none()),
                (Posting::To(handle), Some(row)) => assert_eq!(row.handle, Some(handle)),
                (Posting::Answer(answer), Some(row)) => {
                    assert_eq!((answer.status, row.transport), (405, Some(Request::WebSocket)));
                }
                (posting, None) => assert_eq!(posting, Posting::Answer(Answer::gone())),
            }
        }
        Step::Bind(token) => {
            let free =
                model.row(token).filter(|row| row.waits_until.is_none() && row.handle.is_none());
            assert_eq!(table.bind(token, number).is_ok(), free.is_some());
            if let Some(row) = free {
                row.handle = Some(number);
            }
        }
        Step::Release(token) => {
            assert_eq!(table.release(token), model.row(token).and_then(|row| row.handle));
            model.0.retain(|row| row.token != *token);
        }
        Step::Wait(millis) => *now = *now + Duration::from_millis(u64::from(*millis)),
        Step::Timeout => {
            table.handle_timeout(*now);
            model.sweep(*now);
            assert!(table.poll_timeout().is_none_or(|deadline| deadline.at > *now));
        }
        Step::Drain => drop(table.drain()),
    }
}

fn negotiated(
    table: &Table<u32>,
    model: &mut Model,
    now: Timestamp,
    query: &str,
    draw: u8,
    answer: &Answer,
) {
    model.sweep(now);
    let version = negotiate::version(query, 0);
    let token = format!("{draw}-{}", if version == Ok(1) { "token" } else { "id" });
    let room = model.pending() < MAX_PENDING && model.row(&token).is_none();
    if table.is_draining() || version.is_ok() && !room {
        assert_eq!(answer.status, 503);
    } else {
        assert_eq!(answer.status, 200);
        if version.is_ok() {
            let waits_until = Some(now + TIMEOUT);
            model.0.push(Row {
                token,
                connection_id: format!("{draw}-id"),
                waits_until,
                handle: None,
                resumable: version == Ok(1) && query.contains("useStatefulReconnect=true"),
                transport: None,
                early: 0,
            });
        }
    }
}

proptest! {
    #[test]
    fn a_table_is_a_list_of_tokens(steps in prop::collection::vec(step(), 0..150)) {
        let config = Config {
            disconnect_timeout: TIMEOUT,
            max_pending: MAX_PENDING,
            max_live: MAX_LIVE,
            allow_stateful_reconnects: true,
            ..Config::default()
        };
        let (mut table, mut model, mut now) = (Table::new(config, SEED), Model::default(), T0);
        for (number, step) in (0..).zip(&steps) {
            run(&mut table, &mut model, &mut now, step, number);
            prop_assert_eq!(table.pending(), model.pending());
            prop_assert_eq!(table.live(), model.0.len() - model.pending());
            prop_assert_eq!(table.early, model.0.iter().map(|row| row.early).sum::<usize>());
            prop_assert!(table.pending() <= MAX_PENDING && table.live() <= MAX_LIVE);
            prop_assert!(table.expiries.len() <= 2 * table.pending() + LEFTOVERS);
            let oldest = model.0.iter().filter_map(|row| row.waits_until).min();
            let deadline = oldest.map(|until| until + Duration::from_nanos(1));
            prop_assert_eq!(table.poll_timeout().map(|deadline| deadline.at), deadline);
            for row in &model.0 {
                prop_assert_eq!(table.handle(&row.token), row.handle.as_ref());
            }
        }
    }

    #[test]
    fn claims_succeed_exactly_when_they_may(steps in prop::collection::vec(step(), 0..60)) {
        let config = Config { disconnect_timeout: TIMEOUT, max_live: MAX_LIVE, ..Config::default() };
        let (mut table, mut now) = (Table::new(config, SEED), T0);
        for (number, step) in (0..).zip(&steps) {
            match step {
                Step::Negotiate { query, draw } => {
                    table.negotiate(query, now, fresh(&draw.to_string()));
                }
                Step::Attach { query, draw, .. } => {
                    table.handle_timeout(now);
                    let room = !table.is_draining() && table.live() < MAX_LIVE;
                    let free = match id(query) {
                        None => !table.entries.contains_key(format!("{draw}-id").as_str()),
                        Some(token) => matches!(table.entries.get(&*token), Some(State::Pending { .. })),
                    };
                    let outcome = table.attach(Request::WebSocket, query, now, fresh(&draw.to_string()));
                    prop_assert_eq!(matches!(outcome, Outcome::Attach(_)), room && free);
                }
                Step::Post { token, size, whole } => {
                    table.post(token, &vec![0; *size], *whole, now);
                }
                Step::Bind(token) => drop(table.bind(token, number)),
                Step::Release(token) => drop(table.release(token)),
                Step::Wait(millis) => now = now + Duration::from_millis(u64::from(*millis)),
                Step::Timeout => table.handle_timeout(now),
                Step::Drain => drop(table.drain()),
            }
        }
    }
}
