//! The one place that says in which order the layers of the HTTP plane lie, and why.

use std::sync::Arc;

use crate::http::authentication::Authenticated;
use crate::http::client_credentials::{ClientCredentials, Grant};
use crate::http::confined::{Confined, Reach};
use crate::http::login::{Forgetful, Login};
use crate::http::rate::{Limits, Paced};
use crate::http::trace::Traced;
use crate::http::{Authentication, Transport};
use crate::{Clock, Entropy};

/// The HTTP plane of a system within its reach, over `base`, the guarded egress.
///
/// One per system: the layers hold its token, its quota and its pauses.
pub fn plane(
    base: Arc<dyn Transport>,
    reach: Reach<'_>,
    auth: Authentication,
    limits: Limits,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Arc<dyn Transport> {
    // Outside the guard: nothing reaches the network unpaced.
    let paced: Arc<dyn Transport> = Arc::new(Paced::new(base, limits, Arc::clone(&clock)));
    let bare = Arc::clone(&paced);
    // Outside the rate: token requests count against the same quota.
    let with_tokens = |grant: Grant| -> Arc<dyn Transport> {
        // A token request begins here and never passes the outermost layer: it is traced by one of its own.
        let tokens = Traced::new(Arc::clone(&paced), Arc::clone(&clock), Arc::clone(&entropy));
        Arc::new(ClientCredentials::new(Arc::clone(&paced), Arc::new(tokens), grant, Arc::clone(&clock)))
    };
    let authenticated: Arc<dyn Transport> = match auth {
        Authentication::ClientCredentials { token_url, client_id, client_secret, scopes } => {
            let client_secret = Some(client_secret);
            with_tokens(Grant { token_url, client_id, client_secret, scopes, login: None })
        }
        Authentication::Login {
            token_url, client_id, client_secret, refresh_token, scopes, store, ..
        } => {
            let store = store.unwrap_or_else(|| Arc::new(Forgetful));
            let login = Some(Arc::new(Login::new(refresh_token, store)));
            with_tokens(Grant { token_url, client_id, client_secret, scopes, login })
        }
        fixed @ (Authentication::None
        | Authentication::Header { .. }
        | Authentication::Basic { .. }
        | Authentication::Bearer(_)
        | Authentication::Hmac { .. }) => {
            Arc::new(Authenticated::new(paced, fixed, Arc::clone(&clock), Arc::clone(&entropy)))
        }
    };
    // Outside the credentials: what leads elsewhere never gets any, and goes around them where it may go at all.
    let confined: Arc<dyn Transport> = Arc::new(Confined::new(authenticated, bare, reach));
    // Outermost: it measures what the connector waits for and sees the request before any secret is in it.
    Arc::new(Traced::new(confined, clock, entropy))
}
