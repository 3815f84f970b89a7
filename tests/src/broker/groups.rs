//! A coordinator for classic consumer groups with static members (KIP-345): krafka's own knows one member a group. Pure
//! state; time is given to it, and waiting is its caller's business.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub(super) const NONE: i16 = 0;
pub(super) const ILLEGAL_GENERATION: i16 = 22;
pub(super) const INCONSISTENT_PROTOCOL: i16 = 23;
pub(super) const UNKNOWN_MEMBER: i16 = 25;
pub(super) const REBALANCE_IN_PROGRESS: i16 = 27;
pub(super) const FENCED_INSTANCE: i16 = 82;

/// One consumer group.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) generation: i32,
    pub(super) members: BTreeMap<String, Member>,
    pub(super) protocol: String,
    leader: String,
    phase: Phase,
    next_member: u64,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Empty,
    /// Waits until every member has joined again.
    Joining,
    /// Waits for the leader's assignment.
    Syncing,
    Stable,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) instance: Option<String>,
    session: Duration,
    protocols: Vec<(String, Vec<u8>)>,
    pub(super) assignment: Vec<u8>,
    seen: Instant,
    /// Waits in a join for the others, so it sends no heartbeats.
    joining: bool,
}

pub(super) struct Join<'a> {
    pub(super) member: &'a str,
    pub(super) instance: Option<&'a str>,
    pub(super) session: Duration,
    pub(super) protocols: Vec<(String, Vec<u8>)>,
}

/// The answer to a join.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) error: i16,
    pub(super) generation: i32,
    pub(super) protocol: String,
    pub(super) leader: String,
    pub(super) member: String,
    /// Every member with its instance and its subscription; for the leader alone.
    pub(super) members: Vec<(String, Option<String>, Vec<u8>)>,
}

impl Group {
    /// Takes a member in and gives the id to wait under with [`Self::joined`]; an error where it may not come in.
    pub(super) fn join(&mut self, join: Join<'_>, now: Instant) -> Result<String, i16> {
        let Join { member, instance, session, protocols } = join;
        let known = self.members.contains_key(member);
        let predecessor = instance.and_then(|instance| {
            let mut members = self.members.iter();
            members.find(|(_, member)| member.instance.as_deref() == Some(instance))
        });
        let predecessor = predecessor.map(|(id, _)| id.clone());
        let id = match predecessor {
            Some(old) if !member.is_empty() && old != member => return Err(FENCED_INSTANCE),
            Some(old) if member.is_empty() => return Ok(self.replace(&old, protocols, now)),
            _ if !member.is_empty() && !known => return Err(UNKNOWN_MEMBER),
            _ if known => member.to_owned(),
            _ => self.new_id(instance),
        };
        let unchanged = self.members.get(&id).is_some_and(|old| old.protocols == protocols);
        let assignment = self.members.remove(&id).map(|old| old.assignment).unwrap_or_default();
        let instance = instance.map(str::to_owned);
        let entered = Member { instance, session, protocols, assignment, seen: now, joining: true };
        self.members.insert(id.clone(), entered);
        let settled = matches!(self.phase, Phase::Stable | Phase::Syncing);
        if settled && unchanged && self.leader != id {
            self.member(&id).joining = false;
        } else {
            self.phase = Phase::Joining;
            self.complete_join(now);
        }
        Ok(id)
    }

    /// A restarted static member takes its predecessor's place; nobody else notices while its subscription is the same.
    fn replace(&mut self, old: &str, protocols: Vec<(String, Vec<u8>)>, now: Instant) -> String {
        let mut member = self.members.remove(old).expect("the caller found it");
        let id = self.new_id(member.instance.as_deref());
        // What a member owns is part of its subscription, and a new process owns nothing: only the protocol names count.
        let names = |list: &[(String, Vec<u8>)]| {
            list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let unchanged = names(&member.protocols) == names(&protocols);
        member.protocols = protocols;
        member.seen = now;
        member.joining = !(unchanged && self.phase == Phase::Stable);
        let rebalance = member.joining;
        self.members.insert(id.clone(), member);
        if self.leader == old {
            self.leader.clone_from(&id);
        }
        if rebalance {
            self.phase = Phase::Joining;
            self.complete_join(now);
        }
        id
    }

    fn new_id(&mut self, instance: Option<&str>) -> String {
        self.next_member += 1;
        format!("{}-{}", instance.unwrap_or("member"), self.next_member)
    }

    fn member(&mut self, id: &str) -> &mut Member {
        self.members.get_mut(id).expect("the caller has just put it there")
    }

    /// The answer to a join; None while others are awaited.
    pub(super) fn joined(&self, id: &str) -> Option<Joined> {
        let Some(member) = self.members.get(id) else {
            return Some(Joined::refused(UNKNOWN_MEMBER, id));
        };
        if member.joining {
            return None;
        }
        // A static member that took its predecessor's place must not assign anew, or the others would be disturbed: it is
        // not told that it leads.
        let leads = self.leader == id && self.phase == Phase::Syncing;
        let members = match leads {
            true => self.members.iter().map(|(id, member)| self.subscription(id, member)).collect(),
            false => Vec::new(),
        };
        let leader = if leads || self.leader != id { self.leader.clone() } else { String::new() };
        Some(Joined {
            error: if self.protocol.is_empty() { INCONSISTENT_PROTOCOL } else { NONE },
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader,
            member: id.to_owned(),
            members,
        })
    }

    fn subscription(&self, id: &str, member: &Member) -> (String, Option<String>, Vec<u8>) {
        let chosen = member.protocols.iter().find(|(name, _)| *name == self.protocol);
        let subscription = chosen.map(|(_, subscription)| subscription.clone()).unwrap_or_default();
        (id.to_owned(), member.instance.clone(), subscription)
    }

    /// Starts the next generation once every member has joined.
    fn complete_join(&mut self, now: Instant) {
        if self.phase != Phase::Joining || !self.members.values().all(|member| member.joining) {
            return;
        }
        let Some((first_id, first)) = self.members.first_key_value() else {
            self.phase = Phase::Empty;
            return;
        };
        let shared = first.protocols.iter().map(|(name, _)| name).find(|name| {
            self.members.values().all(|member| member.protocols.iter().any(|(n, _)| n == *name))
        });
        self.protocol = shared.cloned().unwrap_or_default();
        if !self.members.contains_key(&self.leader) {
            self.leader.clone_from(first_id);
        }
        self.generation += 1;
        self.phase = Phase::Syncing;
        for member in self.members.values_mut() {
            member.joining = false;
            member.seen = now;
        }
    }

    /// Takes in the leader's assignments.
    pub(super) fn sync(
        &mut self,
        id: &str,
        generation: i32,
        assignments: Vec<(String, Vec<u8>)>,
        now: Instant,
    ) {
        if self.phase == Phase::Syncing && self.generation == generation && self.leader == id {
            for (member, assignment) in assignments {
                if let Some(member) = self.members.get_mut(&member) {
                    member.assignment = assignment;
                }
            }
            self.phase = Phase::Stable;
        }
        if let Some(member) = self.members.get_mut(id) {
            member.seen = now;
        }
    }

    /// The answer to a sync; None while the leader's assignment is awaited.
    pub(super) fn synced(&self, id: &str, generation: i32) -> Option<Result<Vec<u8>, i16>> {
        let Some(member) = self.members.get(id) else { return Some(Err(UNKNOWN_MEMBER)) };
        match self.phase {
            _ if self.generation != generation => Some(Err(ILLEGAL_GENERATION)),
            Phase::Joining => Some(Err(REBALANCE_IN_PROGRESS)),
            Phase::Syncing => None,
            Phase::Empty | Phase::Stable => Some(Ok(member.assignment.clone())),
        }
    }

    pub(super) fn heartbeat(
        &mut self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> i16 {
        let Some(member) = self.members.get_mut(id) else {
            let successor = |member: &Member| member.instance.as_deref() == instance;
            let fenced = instance.is_some() && self.members.values().any(successor);
            return if fenced { FENCED_INSTANCE } else { UNKNOWN_MEMBER };
        };
        member.seen = now;
        match self.phase {
            Phase::Joining => REBALANCE_IN_PROGRESS,
            _ if self.generation != generation => ILLEGAL_GENERATION,
            Phase::Empty | Phase::Syncing | Phase::Stable => NONE,
        }
    }

    /// The state as Kafka names it.
    pub(super) fn state(&self) -> &'static str {
        match self.phase {
            Phase::Empty => "Empty",
            Phase::Joining => "PreparingRebalance",
            Phase::Syncing => "CompletingRebalance",
            Phase::Stable => "Stable",
        }
    }

    pub(super) fn leave(&mut self, id: &str, now: Instant) -> i16 {
        match self.members.remove(id) {
            None => UNKNOWN_MEMBER,
            Some(_) => {
                self.phase = Phase::Joining;
                self.complete_join(now);
                NONE
            }
        }
    }

    /// Removes the members that have been silent for longer than their session timeout; true where there were any.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let before = self.members.len();
        self.members.retain(|_, member| {
            member.joining || now.saturating_duration_since(member.seen) <= member.session
        });
        let expired = self.members.len() < before;
        if expired {
            self.phase = Phase::Joining;
            self.complete_join(now);
        }
        expired
    }
}

impl Joined {
    pub(super) fn refused(error: i16, member: &str) -> Self {
        Self {
            error,
            generation: -1,
            protocol: String::new(),
            leader: String::new(),
            member: member.to_owned(),
            members: Vec::new(),
        }
    }
}
