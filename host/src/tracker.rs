//! Which offsets may be committed. Pure: no client, no clock, no topic names; a partition is a handle that its lane was
//! given when the partition was assigned.

use std::collections::VecDeque;

#[cfg(test)]
mod tests;

/// The records a lane has read and not yet seen through to their end.
///
/// Invariant: what [`Self::watermark`] gives never passes a record that is not settled, whatever the order in which
/// acknowledgements, failures, rewinds and revocations arrive.
#[derive(Debug, Default)]
pub struct Tracker {
    windows: Vec<Window>,
    free: Vec<u32>,
    load: Load,
}

/// One assignment of one partition. After [`Tracker::release`] or [`Tracker::rewind`] it stands for nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle {
    slot: u32,
    epoch: u32,
}

/// A record of a partition, by its place in the slot. Given to the sink with each of the record's outputs.
pub type Ticket = u64;

/// Where a partition goes on: the next offset, and the leader epoch of the record before it (-1 where unknown).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub offset: i64,
    pub leader_epoch: i32,
}

/// What a lane holds at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Records from the oldest unsettled one of each partition on, settled ones behind it included: they cost memory too.
    pub records: usize,
    /// Bytes of the records that are not settled.
    pub bytes: usize,
}

/// The records of one assignment that the watermark has not passed yet, oldest first.
///
/// A ticket is the slot in the upper bits and the record's number in the lower ones. Numbers go on when a slot is used
/// again, so a late acknowledgement for an earlier assignment names a number below `first` and is recognised without any
/// lookup.
#[derive(Debug, Default)]
struct Window {
    epoch: u32,
    /// Number of the record at the front of `entries`.
    first: u64,
    entries: VecDeque<Entry>,
    /// Where the settled records end; at first where the partition began.
    watermark: Mark,
    /// The watermark has moved since it was last taken.
    moved: bool,
    failed: bool,
    /// Outputs whose fate is not known yet.
    outstanding: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: i64,
    leader_epoch: i32,
    /// Outputs not yet acknowledged; a failed one is never subtracted.
    pending: u32,
    bytes: u32,
}

const NUMBER_BITS: u32 = 44;
const NUMBER_MASK: u64 = (1 << NUMBER_BITS) - 1;

impl Tracker {
    /// Begins to track a partition that was just assigned and goes on at `begin`.
    pub fn assign(&mut self, begin: Mark) -> Handle {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.windows.push(Window::default());
            u32::try_from(self.windows.len() - 1).expect("a lane has fewer than 2^20 partitions")
        });
        let window =
            self.windows.get_mut(slot as usize).expect("the slot was made above, or before");
        window.watermark = begin;
        Handle { slot, epoch: window.epoch }
    }

    /// Forgets a partition; acknowledgements that still arrive for it are ignored.
    pub fn release(&mut self, handle: Handle) {
        if self.clear(handle).is_some() {
            self.free.push(handle.slot);
        }
    }

    /// Forgets what is under way, so that the partition can be read again from the mark that is given, under the new handle.
    /// None where the old one is no longer good.
    pub fn rewind(&mut self, handle: Handle) -> Option<(Handle, Mark)> {
        let old = self.window(handle)?;
        let (watermark, moved) = (old.watermark, old.moved);
        self.clear(handle)?;
        let window = self.windows.get_mut(handle.slot as usize)?;
        (window.watermark, window.moved) = (watermark, moved);
        Some((Handle { slot: handle.slot, epoch: window.epoch }, watermark))
    }

    fn clear(&mut self, handle: Handle) -> Option<()> {
        let load = &mut self.load;
        let window = self.windows.get_mut(handle.slot as usize)?;
        if window.epoch != handle.epoch {
            return None;
        }
        let bytes =
            window.entries.iter().filter(|entry| entry.pending > 0).map(|e| e.bytes as usize);
        load.bytes -= bytes.sum::<usize>();
        load.records -= window.entries.len();
        let first = window.first + window.entries.len() as u64;
        // The room is kept: the slot's next partition is likely to need as much.
        let mut entries = std::mem::take(&mut window.entries);
        entries.clear();
        *window = Window { epoch: handle.epoch + 1, first, entries, ..Window::default() };
        Some(())
    }

    /// Takes in the next record of a partition. It is settled after `outputs` acknowledgements; without outputs it is
    /// settled at once, which is how a drop by decision counts. `mark` holds the record's own offset.
    ///
    /// None where the partition was taken away meanwhile: the record is not ours to send.
    pub fn begin(
        &mut self,
        handle: Handle,
        mark: Mark,
        outputs: u32,
        bytes: usize,
    ) -> Option<Ticket> {
        let load = &mut self.load;
        let window = self.windows.get_mut(handle.slot as usize)?;
        if window.epoch != handle.epoch {
            return None;
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let number = window.first + window.entries.len() as u64;
        let Mark { offset, leader_epoch } = mark;
        window.entries.push_back(Entry { offset, leader_epoch, pending: outputs, bytes });
        window.outstanding += outputs as usize;
        load.records += 1;
        if outputs == 0 {
            load.records -= window.advance();
        } else {
            load.bytes += bytes as usize;
        }
        Some((u64::from(handle.slot) << NUMBER_BITS) | (number & NUMBER_MASK))
    }

    /// One output of the record is where it should be.
    pub fn acknowledge(&mut self, ticket: Ticket) {
        let load = &mut self.load;
        let Some((window, at)) = locate(&mut self.windows, ticket) else { return };
        let Some(entry) = window.entries.get_mut(at) else { return };
        if entry.pending == 0 {
            return;
        }
        entry.pending -= 1;
        window.outstanding -= 1;
        if entry.pending == 0 {
            load.bytes -= entry.bytes as usize;
            if at == 0 {
                load.records -= window.advance();
            }
        }
    }

    /// One output of the record is lost: the watermark stays before the record until the partition is rewound.
    pub fn fail(&mut self, ticket: Ticket) {
        let Some((window, _)) = locate(&mut self.windows, ticket) else { return };
        window.failed = true;
        window.outstanding = window.outstanding.saturating_sub(1);
    }

    /// The partition whose record a ticket names; none where it was released or rewound, or the record is long settled.
    pub fn partition(&self, ticket: Ticket) -> Option<Handle> {
        let slot = u32::try_from(ticket >> NUMBER_BITS).ok()?;
        let window = self.windows.get(slot as usize)?;
        index(window, ticket)?;
        Some(Handle { slot, epoch: window.epoch })
    }

    /// Where the partition may be committed: after the longest run of settled records, at first where it began. None where
    /// the handle is no longer good.
    pub fn watermark(&self, handle: Handle) -> Option<Mark> {
        self.window(handle).map(|window| window.watermark)
    }

    /// The watermark, where it has moved since the last call.
    pub fn take_advance(&mut self, handle: Handle) -> Option<Mark> {
        let window = self.windows.get_mut(handle.slot as usize)?;
        let moved = window.epoch == handle.epoch && std::mem::take(&mut window.moved);
        moved.then_some(window.watermark)
    }

    /// An output was lost, so the partition must be rewound before it goes on.
    pub fn is_failed(&self, handle: Handle) -> bool {
        self.window(handle).is_some_and(|window| window.failed)
    }

    /// Nothing of the partition is under way any more: each output was acknowledged or lost.
    pub fn is_quiet(&self, handle: Handle) -> bool {
        self.window(handle).is_none_or(|window| window.outstanding == 0)
    }

    /// Records of the partition from its watermark on.
    pub fn in_flight(&self, handle: Handle) -> usize {
        self.window(handle).map_or(0, |window| window.entries.len())
    }

    pub fn load(&self) -> Load {
        self.load
    }

    fn window(&self, handle: Handle) -> Option<&Window> {
        let window = self.windows.get(handle.slot as usize)?;
        (window.epoch == handle.epoch).then_some(window)
    }
}

impl Window {
    /// Moves the watermark over the settled records at the front and gives how many there were.
    fn advance(&mut self) -> usize {
        let before = self.entries.len();
        while let Some(entry) = self.entries.front().copied().filter(|entry| entry.pending == 0) {
            self.watermark = Mark { offset: entry.offset + 1, leader_epoch: entry.leader_epoch };
            self.moved = true;
            self.entries.pop_front();
            self.first += 1;
        }
        before - self.entries.len()
    }
}

fn locate(windows: &mut [Window], ticket: Ticket) -> Option<(&mut Window, usize)> {
    let slot = usize::try_from(ticket >> NUMBER_BITS).ok()?;
    let window = windows.get_mut(slot)?;
    let at = index(window, ticket)?;
    Some((window, at))
}

/// Place of the ticket's record among the window's entries.
fn index(window: &Window, ticket: Ticket) -> Option<usize> {
    // Numbers wrap around after years; an older ticket then still lies far outside.
    let at = ticket.wrapping_sub(window.first) & NUMBER_MASK;
    usize::try_from(at).ok().filter(|at| *at < window.entries.len())
}
