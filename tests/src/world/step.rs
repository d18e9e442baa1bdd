//! What can happen in the world: one step at a time, and any list of steps is a valid one.
//!
//! Whom a step is about is said by a number that counts modulo whoever is there at that moment, so that a
//! list of steps stays valid when some of them are left out.

use arbitrary::Arbitrary;

/// Whom a message is for, in numbers: of clients as they have come to the same hub, of groups, of users.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum To {
    /// Everybody.
    All,
    /// Everybody but one.
    Except(u8),
    /// Whoever calls, when somebody does.
    Caller,
    /// Everybody but the caller.
    Others,
    /// One client, who may be gone.
    Client(u8),
    /// Two clients, or twice the same one.
    Clients(u8, u8),
    /// A group.
    Group(u8),
    /// A group but for one client.
    GroupExcept(u8, u8),
    /// A group but for the caller.
    OthersIn(u8),
    /// Two groups, or twice the same one: whoever is in both gets two copies.
    Groups(u8, u8),
    /// Everybody of a user.
    User(u8),
    /// Everybody of two users.
    Users(u8, u8),
}

/// How large the text is that a message carries along.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// None.
    Empty,
    /// 40 bytes.
    Small,
    /// 400 bytes.
    Middle,
    /// 3,000 bytes: more than a link holds.
    Large,
}

impl Size {
    /// That text, which begins with a number.
    pub fn text(self, number: u32) -> String {
        let length = match self {
            Self::Empty => 0,
            Self::Small => 40,
            Self::Middle => 400,
            Self::Large => 3_000,
        };
        format!("{number:0length$}").get(..length).unwrap_or_default().to_owned()
    }
}

/// Somebody who comes.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Which hub of which server.
    pub place: u8,
    /// Whether it speaks MessagePack.
    pub binary: bool,
    /// Which user it is, or none.
    pub user: u8,
    /// Whether it negotiates first.
    pub negotiates: bool,
    /// Whether it then asks for stateful reconnect.
    pub resumable: bool,
}

/// What a client breaks.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A record that is no message.
    Record,
    /// A call whose arguments are not even well-formed.
    Arguments,
    /// A frame without a mask.
    Frame,
    /// More bytes than a message may have.
    Length,
}

/// Which way a link goes.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client.
    Up,
    /// From the server.
    Down,
    /// Both.
    Both,
}

/// How a link ends.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It breaks, and both ends notice.
    Reset,
    /// The client's end is gone, in good order for TCP but not for the WebSocket.
    End,
    /// It breaks, and only the client notices.
    Unseen,
    /// It breaks, and of what is on its way half arrives, both ways.
    Half,
}

/// One thing that happens. The first number is nearly always a client.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a table of its own")]
pub enum Step {
    // Clients call.
    Connect(Arrival),
    Echo(u8, Size),
    /// Without an answer, when it is true.
    Tell(u8, To, Size, bool),
    Join(u8, u8),
    Leave(u8, u8),
    /// A method that runs until [`Finish`](Step::Finish).
    Hold(u8),
    Fail(u8),
    /// There is no such method.
    Unknown(u8),
    /// The arguments do not fit.
    Misfit(u8),
    /// Asks for so many items.
    Items(u8, u8),
    /// Sends one stream, or two.
    Sum(u8, bool),
    /// The method asks its caller something.
    Ask(u8),
    /// The method ends the connection.
    Quit(u8),
    /// A client takes back what it has called.
    Cancel(u8, u8),
    /// Sends an item of an open stream.
    Upload(u8, u8, Size),
    /// Ends an open stream, with an error if so.
    EndUpload(u8, u8, bool),
    /// Answers a question, with an error if so.
    Answer(u8, u8, bool),
    Ping(u8),
    /// Says at once what has come, and does not wait for a second.
    Ack(u8),
    /// Says goodbye: by a message, or only by closing the WebSocket.
    Bye(u8, bool),
    Break(u8, Fault),
    // The application acts, from outside of the hub.
    Send(u8, To, Size),
    Question(u8),
    /// Ends a call that is held, with an error if so.
    Finish(u8, bool),
    /// Lets the reader of uploads take so many items.
    Read(u8, u8),
    Invite(u8, u8),
    Expel(u8, u8),
    /// Ends a connection, which may come back if so.
    Kick(u8, bool),
    // The network.
    /// How long bytes are on their way.
    Delay(u8, u8),
    /// How many bytes arrive at once at most.
    Split(u8, u8),
    /// From now on everything that is due arrives at once.
    Merge(u8),
    /// Nothing passes any more, and nobody is told.
    Freeze(u8, Way),
    Thaw(u8),
    Cut(u8, Cut),
    /// A client whose link is cut comes back.
    Relink(u8),
    /// A client opens a second link for the same connection.
    Duplicate(u8),
    // Time.
    /// So many times 50 ms.
    Wait(u8),
    /// So many seconds.
    Sleep(u8),
}

/// Every kind of step, by name.
pub const KINDS: [&str; 38] = [
    "Connect",
    "Echo",
    "Tell",
    "Join",
    "Leave",
    "Hold",
    "Fail",
    "Unknown",
    "Misfit",
    "Items",
    "Sum",
    "Ask",
    "Quit",
    "Cancel",
    "Upload",
    "EndUpload",
    "Answer",
    "Ping",
    "Ack",
    "Bye",
    "Break",
    "Send",
    "Question",
    "Finish",
    "Read",
    "Invite",
    "Expel",
    "Kick",
    "Delay",
    "Split",
    "Merge",
    "Freeze",
    "Thaw",
    "Cut",
    "Relink",
    "Duplicate",
    "Wait",
    "Sleep",
];

impl Step {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        let text = format!("{self:?}");
        let name = text.split('(').next().unwrap_or_default();
        KINDS.iter().find(|kind| **kind == name).copied().unwrap_or_default()
    }
}
