//! A client that does everything at once, counts what it gets, and breaks its links.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hub_proto::ws::Opcode;
use serde_json::{Value, json};
use transport_memory::pipe;

use super::link::{Link, Storm};
use super::{ACTIONS, Dice, NEWS, PATIENCE};

/// What the client waits for.
pub(super) enum Waiting {
    Result(Value),
    /// One of several.
    Either(Vec<String>),
    /// Items from 0 on up to there.
    Items {
        next: u64,
        end: u64,
    },
    /// Any number of items from 0 on.
    Cancelled {
        next: u64,
        cancels_at: u64,
    },
}

/// An upload that goes on.
pub(super) struct Upload {
    stream: String,
    left: u64,
}

pub(super) struct Client {
    pub(super) storm: Arc<Storm>,
    pub(super) dice: Dice,
    pub(super) nth: usize,
    pub(super) uri: Option<String>,
    pub(super) link: Link,
    /// Links that were replaced but not closed.
    pub(super) ghosts: Vec<Link>,
    // Stateful reconnect.
    pub(super) unacked: VecDeque<(u64, String)>,
    pub(super) sent: u64,
    pub(super) expects_sequence: bool,
    pub(super) next: u64,
    pub(super) latest: u64,
    pub(super) ack_at: Option<Instant>,
    pub(super) ack_delay: u64,
    pub(super) links: usize,
    // What is under way.
    pub(super) waiting: HashMap<String, Waiting>,
    pub(super) answers: Vec<(Instant, String)>,
    pub(super) uploads: Vec<Upload>,
    pub(super) actions: usize,
    pub(super) tells: usize,
    pub(super) news: usize,
    pub(super) told: HashMap<usize, usize>,
    pub(super) last_news: Instant,
    pub(super) closed: Option<Value>,
}

impl Client {
    pub(super) async fn connect(storm: &Arc<Storm>, nth: usize, seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(1_000).wrapping_add(nth as u64));
        let uri = if nth.is_multiple_of(4) { None } else { Some(storm.negotiate().await) };
        let link = storm.open(uri.as_deref().unwrap_or("/hub"), &mut dice).expect("it is let in");
        let ack_delay = [1, 5, 20, 50][dice.roll(4)];
        let mut this = Self {
            storm: Arc::clone(storm),
            dice,
            nth,
            uri,
            link,
            ghosts: Vec::new(),
            unacked: VecDeque::new(),
            sent: 0,
            expects_sequence: false,
            next: 1,
            latest: 0,
            ack_at: None,
            ack_delay,
            links: 1,
            waiting: HashMap::new(),
            answers: Vec::new(),
            uploads: Vec::new(),
            actions: 0,
            tells: 0,
            news: 0,
            told: HashMap::new(),
            last_news: Instant::now(),
            closed: None,
        };
        let version = if this.uri.is_some() { 2 } else { 1 };
        this.link.send(&format!(r#"{{"protocol":"json","version":{version}}}"#));
        loop {
            this.link.write(usize::MAX);
            let records = this.link.read();
            if !records.is_empty() {
                assert_eq!(records, [json!({})]);
                break;
            }
            this.link.ready(Duration::from_millis(100)).await;
        }
        // Some only speak when they have something to say.
        if this.dice.roll(8) > 0 {
            this.link.send(r#"{"type":6}"#);
        }
        this
    }

    /// Sends a message that counts.
    pub(super) fn send(&mut self, record: &Value) {
        let record = record.to_string();
        self.sent += 1;
        self.link.send(&record);
        if self.uri.is_some() {
            self.unacked.push_back((self.sent, record));
        }
    }

    /// Breaks the link, or seems to, and opens another one.
    pub(super) async fn replace(&mut self) {
        let uri = self.uri.clone().expect("it may be resumed");
        if self.dice.one_in(2) {
            // Half a frame.
            let most = 1 + self.dice.roll(100);
            self.link.write(most);
        }
        let keeps = self.dice.one_in(2);
        if !keeps {
            let (gone, _) = pipe(1);
            self.link = Link::over(gone);
            if self.dice.one_in(2) {
                tokio::time::sleep(Duration::from_millis(self.dice.roll(10) as u64)).await;
            }
        }
        for _ in 0..1 + self.dice.roll(8) / 6 {
            let link = self.storm.open(&uri, &mut self.dice).expect("it may be resumed");
            let old = std::mem::replace(&mut self.link, link);
            if keeps {
                self.ghosts.push(old);
            }
        }
        if self.ghosts.len() > 3 || self.dice.one_in(3) {
            self.ghosts.clear();
        }
        self.links += 1;
        self.expects_sequence = true;
        let first = self.unacked.front().map_or(self.sent + 1, |(number, _)| *number);
        self.link.send(&format!(r#"{{"type":9,"sequenceId":{first}}}"#));
        for (_, record) in &self.unacked {
            self.link.send(record);
        }
    }

    /// Begins something new.
    pub(super) fn act(&mut self) {
        let (id, n) = (self.actions.to_string(), self.actions as u64);
        self.actions += 1;
        let size = self.dice.roll(30) as u64;
        let (call, waiting) = match self.dice.roll(7) {
            0 => {
                let call = json!({"type":1,"invocationId":id,"target":"Echo","arguments":[n]});
                (call, Waiting::Result(json!(n)))
            }
            1 => {
                let call = json!({"type":4,"invocationId":id,"target":"Items","arguments":[size]});
                (call, Waiting::Items { next: 0, end: size })
            }
            2 => {
                let call = json!({"type":4,"invocationId":id,"target":"Items","arguments":[1_000_000_000_u64]});
                (call, Waiting::Cancelled { next: 0, cancels_at: size })
            }
            3 | 4 => {
                let stream = format!("u{id}");
                let both = self.dice.one_in(2);
                let call = json!({
                    "type": if both { 4 } else { 1 },
                    "invocationId": id,
                    "target": if both { "Both" } else { "Sum" },
                    "arguments": [],
                    "streamIds": [stream],
                });
                self.uploads.push(Upload { stream, left: size });
                let waiting = if both {
                    Waiting::Items { next: 0, end: size }
                } else {
                    Waiting::Result(json!(size * (size + 1) / 2))
                };
                (call, waiting)
            }
            5 => {
                let how = ["right", "wrong", "error", "never", "late"][self.dice.roll(5)];
                let call = json!({"type":1,"invocationId":id,"target":"Ask","arguments":[how, n]});
                let right = match how {
                    "right" => format!("{}", n * 2),
                    "wrong" => "Error trying to deserialize result to u64.".to_owned(),
                    "error" => "no".to_owned(),
                    _ => "The client did not answer in time.".to_owned(),
                };
                (call, Waiting::Either(vec![right]))
            }
            _ => {
                let text = "x".repeat(self.dice.roll(3_000));
                let call = json!({"type":1,"invocationId":id,"target":"Tell","arguments":[self.nth, self.tells, text]});
                self.tells += 1;
                (call, Waiting::Result(Value::Null))
            }
        };
        self.waiting.insert(id, waiting);
        self.send(&call);
    }

    /// Goes on with an upload.
    pub(super) fn upload(&mut self) {
        if self.uploads.is_empty() {
            return;
        }
        let at = self.dice.roll(self.uploads.len());
        let (stream, left) = (self.uploads[at].stream.clone(), self.uploads[at].left);
        if left == 0 {
            self.uploads.swap_remove(at);
            self.send(&json!({"type":3,"invocationId":stream}));
        } else {
            self.uploads[at].left -= 1;
            self.send(&json!({"type":2,"invocationId":stream,"item":left}));
        }
    }

    pub(super) fn take(&mut self, record: &Value) {
        match record["type"].as_u64() {
            Some(6) => {}
            Some(7) => self.closed = Some(record.clone()),
            Some(8) => {
                let number = record["sequenceId"].as_u64().unwrap();
                assert!(number <= self.sent);
                while self.unacked.front().is_some_and(|(first, _)| *first <= number) {
                    self.unacked.pop_front();
                }
            }
            Some(9) => {
                let number = record["sequenceId"].as_u64().unwrap();
                assert!(self.expects_sequence, "one Sequence for each link");
                assert!(number <= self.latest + 1, "{number} behind {}", self.latest);
                self.next = number;
                self.expects_sequence = false;
            }
            Some(1..=3) => {
                if self.uri.is_some() {
                    assert!(!self.expects_sequence, "a Sequence comes first: {record}");
                    let number = self.next;
                    self.next += 1;
                    let delay =
                        Duration::from_millis(self.dice.roll(self.ack_delay as usize + 1) as u64);
                    self.ack_at.get_or_insert_with(|| Instant::now() + delay);
                    if number <= self.latest {
                        return;
                    }
                    self.latest = number;
                }
                self.last_news = Instant::now();
                self.message(record);
            }
            _ => panic!("unexpected {record}"),
        }
    }

    pub(super) fn message(&mut self, record: &Value) {
        let id = record["invocationId"].as_str().unwrap_or_default().to_owned();
        match (record["type"].as_u64().unwrap(), record["target"].as_str()) {
            (1, Some("News")) => {
                assert_eq!(record["arguments"][0], self.news);
                self.news += 1;
            }
            (1, Some("Told")) => {
                let who = record["arguments"][0].as_u64().unwrap() as usize;
                let next = self.told.entry(who).or_default();
                assert_eq!(record["arguments"][1], *next, "of {who}");
                *next += 1;
            }
            (1, Some("Question")) => {
                let (how, n) = (record["arguments"][0].as_str().unwrap(), &record["arguments"][1]);
                let answer = match how {
                    "right" | "late" => {
                        json!({"type":3,"invocationId":id,"result":n.as_u64().unwrap() * 2})
                    }
                    "wrong" => json!({"type":3,"invocationId":id,"result":"two"}),
                    "error" => json!({"type":3,"invocationId":id,"error":"no"}),
                    _ => return,
                };
                let delay = if how == "late" { 80 } else { self.dice.roll(3) as u64 };
                let at = Instant::now() + Duration::from_millis(delay);
                self.answers.push((at, answer.to_string()));
            }
            (2, _) => {
                let mut cancel = false;
                match self.waiting.get_mut(&id).expect("a stream") {
                    Waiting::Items { next, end } => {
                        assert!(record["item"] == *next && *next < *end, "{record}");
                        *next += 1;
                    }
                    Waiting::Cancelled { next, cancels_at } => {
                        assert_eq!(record["item"], *next);
                        cancel = *next == *cancels_at;
                        *next += 1;
                    }
                    _ => panic!("no stream: {record}"),
                }
                if cancel {
                    self.send(&json!({"type":5,"invocationId":id}));
                }
            }
            (3, _) => match self.waiting.remove(&id).expect("each call is answered once") {
                Waiting::Result(result) => {
                    assert_eq!(record.get("error"), None, "{record}");
                    assert_eq!(record["result"], result);
                }
                Waiting::Either(results) => {
                    let result = record["result"].as_str().expect("a text").to_owned();
                    assert!(results.contains(&result), "{result} but {results:?}");
                }
                Waiting::Items { next, end } => {
                    assert!(
                        next == end && record.get("error").is_none(),
                        "{next} of {end}: {record}"
                    );
                }
                Waiting::Cancelled { next, cancels_at } => {
                    assert!(next > cancels_at && record.get("error").is_none(), "{record}");
                }
            },
            other => panic!("unexpected {other:?}"),
        }
    }

    pub(super) fn is_done(&self, tells: &[AtomicUsize]) -> bool {
        self.actions == ACTIONS
            && self.waiting.is_empty()
            && self.uploads.is_empty()
            && self.news == NEWS
            && tells.iter().enumerate().all(|(nth, tells)| {
                let tells = tells.load(Ordering::SeqCst);
                tells != usize::MAX && self.told.get(&nth).copied().unwrap_or_default() == tells
            })
    }

    pub(super) async fn run(mut self, tells: Arc<Vec<AtomicUsize>>) -> usize {
        let mut announced = false;
        while !self.is_done(&tells) {
            assert!(self.closed.is_none(), "it was closed: {:?}", self.closed);
            assert!(!self.link.over, "the link was cut off");
            if self.actions < ACTIONS && self.waiting.len() < 12 && self.dice.one_in(3) {
                self.act();
            }
            if self.actions == ACTIONS && !announced {
                announced = true;
                tells[self.nth].store(self.tells, Ordering::SeqCst);
            }
            if self.dice.one_in(2) {
                self.upload();
            }
            let now = Instant::now();
            for at in (0..self.answers.len()).rev() {
                if self.answers[at].0 <= now {
                    let (_, answer) = self.answers.swap_remove(at);
                    self.send(&serde_json::from_str(&answer).unwrap());
                }
            }
            if self.ack_at.is_some_and(|at| at <= now) && !self.expects_sequence {
                self.ack_at = None;
                let latest = self.latest;
                self.link.send(&format!(r#"{{"type":8,"sequenceId":{latest}}}"#));
            }
            if self.uri.is_some() && self.dice.one_in(120) && self.links < 60 {
                self.replace().await;
            }
            self.link.write(usize::MAX);
            for record in self.link.read() {
                self.take(&record);
            }
            if self.last_news.elapsed() > PATIENCE / 2 {
                panic!(
                    "client {} hangs: news {}, {} waiting, {} unacked, links {}, told {:?}, out {}",
                    self.nth,
                    self.news,
                    self.waiting.len(),
                    self.unacked.len(),
                    self.links,
                    self.told,
                    self.link.out.len()
                );
            }
            self.link.ready(Duration::from_millis(2)).await;
        }
        match self.dice.roll(3) {
            0 => self.link.frame(Opcode::Close, &1000_u16.to_be_bytes()),
            1 => self.link.send(r#"{"type":7}"#),
            _ => return self.links,
        }
        let since = Instant::now();
        while !self.link.over {
            assert!(since.elapsed() < PATIENCE / 2, "the farewell of {} hangs", self.nth);
            self.link.write(usize::MAX);
            self.link.read();
            if self.uri.is_none() || self.link.out.is_empty() {
                self.link.frame(Opcode::Close, &1000_u16.to_be_bytes());
            }
            self.link.ready(Duration::from_millis(2)).await;
        }
        self.links
    }
}
