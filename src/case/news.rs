//! News: what somebody did about a request, as against what the bridge did to carry it.

use super::Fact;

impl Fact {
    /// Whether the case changed for those who work on it. What the bridge reads, sends, parks or counts down is no news:
    /// a request nobody works on is silent, however busy the bridge is with it.
    pub(super) fn is_news(&self) -> bool {
        matches!(
            self,
            Self::Opened
                | Self::Joined { .. }
                | Self::Changed { .. }
                | Self::Disputed { .. }
                | Self::Settled { .. }
                | Self::Remarked { .. }
                | Self::RemarkWithdrawn { .. }
                | Self::Attached { .. }
                | Self::AttachmentWithdrawn { .. }
                | Self::Holds { .. }
                | Self::Owned { .. }
                | Self::Offering { .. }
                | Self::Handshake { .. }
                | Self::PassedOn { .. }
                | Self::Unparked { .. }
                | Self::Claimed(_)
                | Self::GrantAsked { .. }
                | Self::GrantApproved { .. }
                | Self::GrantRefused { .. }
                | Self::GrantRevoked { .. }
        )
    }
}
