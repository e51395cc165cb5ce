//! The daemon from outside: a real process, configured as a user would, with practice desks on loopback.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod administered;
#[cfg(test)]
mod agreement;
#[cfg(test)]
mod announced;
#[cfg(test)]
mod asked;
#[cfg(test)]
mod bridge;
#[cfg(test)]
mod checked;
#[cfg(test)]
mod command;
#[cfg(test)]
mod console;
#[cfg(test)]
mod desks;
#[cfg(test)]
mod erased;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod explained;
#[cfg(test)]
mod federated;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod interface;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod parked;
#[cfg(test)]
mod paused;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod rehearsed;
#[cfg(test)]
mod reloaded;
#[cfg(test)]
mod served;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod swapped;
#[cfg(test)]
mod visibility;
#[cfg(test)]
mod web;
