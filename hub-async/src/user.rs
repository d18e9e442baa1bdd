//! Who is at the other end of a connection.

use std::fmt;
use std::sync::Arc;

use crate::error::HubError;
use crate::extract::{Call, Extractor};
use crate::member::Member;

/// Who a client is, as [`HubBuilder::identify`](crate::HubBuilder::identify) finds out at the handshake.
///
/// ```
/// use hub_async::Identity;
///
/// let ann = Identity::user("ann").claim("role", "admin").claim("role", "author");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identity {
    pub(crate) user_id: Option<String>,
    pub(crate) claims: Vec<(String, String)>,
}

impl Identity {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// The user with that id, by which messages reach all of its connections.
    pub fn user(user_id: impl Into<String>) -> Self {
        Self { user_id: Some(user_id.into()), claims: Vec::new() }
    }

    /// Adds a claim. There may be several of one name.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.claims.push((name.into(), value.into()));
        self
    }
}

impl fmt::Debug for Identity {
    /// The names of the claims, not the values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.claims.iter().map(|(name, _)| name).collect();
        f.debug_struct("Identity").field("user_id", &self.user_id).field("claims", &names).finish()
    }
}

/// The user of the connection, as a parameter of methods and hooks.
///
/// ```
/// use hub_async::{HubError, User};
///
/// async fn delete(user: User, post: u64) -> Result<(), HubError> {
///     if !user.has_claim("role", "admin") {
///         return Err(HubError::new("Only an admin can delete posts."));
///     }
///     // …
/// #   let _ = post;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct User {
    member: Arc<Member>,
    claims: Option<Arc<Claims>>,
}

/// What is known of a user, by names.
pub(crate) struct Claims(pub(crate) Vec<(String, String)>);

impl User {
    pub(crate) fn new(member: Arc<Member>) -> Self {
        let claims = member.items.get();
        Self { member, claims }
    }

    /// The user's id; none of an anonymous one.
    pub fn id(&self) -> Option<&str> {
        self.member.user().map(|id| &**id)
    }

    /// Every claim, in the order in which they were made.
    pub fn claims(&self) -> impl Iterator<Item = (&str, &str)> {
        let claims = self.claims.iter().flat_map(|claims| &claims.0);
        claims.map(|(name, value)| (&**name, &**value))
    }

    /// The first claim of that name, which is compared exactly.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Whether one of the claims of that name has that value.
    pub fn has_claim(&self, name: &str, value: &str) -> bool {
        self.claims().any(|claim| claim == (name, value))
    }
}

impl Extractor for User {
    fn extract(call: &Call<'_>) -> Result<Self, HubError> {
        Ok(call.context().user())
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.claims().map(|(name, _)| name).collect();
        f.debug_struct("User").field("id", &self.id()).field("claims", &names).finish()
    }
}
