//! The frames between librdkafka and krafka's broker: what the two do not agree on is put right here. Group requests are
//! answered by our own coordinator, fetches are cut to the size that was asked for, old versions are raised.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use krafka::testing::{FakeBroker, GroupMember};

use super::fetch;
use super::groups::{Group, Join, Joined, NONE};
use super::wire::{Reader, Writer};

const FETCH: i16 = 1;
const JOIN_GROUP: i16 = 11;
const HEARTBEAT: i16 = 12;
const LEAVE_GROUP: i16 = 13;
const SYNC_GROUP: i16 = 14;
const DESCRIBE_GROUPS: i16 = 15;
const END_TXN: i16 = 26;

/// How often silent members are looked for, and how long a waiting answer sleeps at most.
const TICK: Duration = Duration::from_millis(50);

/// What all connections share.
pub(super) struct Shim {
    pub(super) fake: FakeBroker,
    upstream: SocketAddr,
    groups: Mutex<HashMap<String, Group>>,
    changed: Condvar,
    closed: AtomicBool,
    /// Both ends of each open connection.
    connections: Mutex<HashMap<u64, [TcpStream; 2]>>,
    opened: AtomicU64,
}

/// The start of a request.
struct Header<'a> {
    api: i16,
    version: i16,
    correlation: i32,
    client: Option<&'a str>,
    body: Reader<'a>,
}

impl Shim {
    pub(super) fn new(fake: FakeBroker, upstream: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            fake,
            upstream,
            groups: Mutex::default(),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
            connections: Mutex::default(),
            opened: AtomicU64::new(0),
        })
    }

    /// Ends every connection and every wait; `listening` is where this shim takes connections.
    pub(super) fn close(&self, listening: SocketAddr) {
        self.closed.store(true, Ordering::Relaxed);
        for [client, upstream] in lock(&self.connections).values() {
            // A connection that is gone already needs no shutting down.
            drop(client.shutdown(Shutdown::Both));
            drop(upstream.shutdown(Shutdown::Both));
        }
        self.changed.notify_all();
        // One more connection, so that `accept` wakes and sees that it is over.
        drop(TcpStream::connect(listening));
    }

    /// Takes connections until closed.
    pub(super) fn accept(self: &Arc<Self>, listener: &TcpListener) -> io::Result<()> {
        for client in listener.incoming() {
            if self.closed.load(Ordering::Relaxed) {
                break;
            }
            self.open(client?)?;
        }
        Ok(())
    }

    /// Looks for silent members until closed.
    pub(super) fn watch_sessions(&self) {
        let mut groups = lock(&self.groups);
        while !self.closed.load(Ordering::Relaxed) {
            for (name, group) in groups.iter_mut() {
                if group.expire(Instant::now()) {
                    self.mirror(name, group);
                    self.changed.notify_all();
                }
            }
            let waited = self.changed.wait_timeout(groups, TICK);
            groups = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn open(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let shim = Arc::clone(self);
        // The thread ends with its connection, and `close` ends every connection.
        std::thread::Builder::new().name("broker connection".to_owned()).spawn(move || {
            // A broken connection is how clients leave; there is nobody to tell.
            drop(shim.connect(&client));
            drop(client.shutdown(Shutdown::Both));
        })?;
        Ok(())
    }

    fn connect(&self, client: &TcpStream) -> io::Result<()> {
        let upstream = TcpStream::connect(self.upstream)?;
        upstream.set_nodelay(true)?;
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        lock(&self.connections).insert(number, [client.try_clone()?, upstream.try_clone()?]);
        let served = self.serve(client, upstream);
        lock(&self.connections).remove(&number);
        served
    }

    /// Answers one connection's requests in order, as Kafka does.
    fn serve(&self, mut client: &TcpStream, mut upstream: TcpStream) -> io::Result<()> {
        while !self.closed.load(Ordering::Relaxed) {
            let request = read_frame(&mut client)?;
            let header = Header::read(&request).ok_or(io::ErrorKind::InvalidData)?;
            let answer = match header.api {
                JOIN_GROUP | HEARTBEAT | LEAVE_GROUP | SYNC_GROUP | DESCRIBE_GROUPS => {
                    self.answer_group(&header)
                }
                _ => forward(&mut upstream, &header, &request)?,
            };
            write_frame(&mut client, &answer.ok_or(io::ErrorKind::InvalidData)?)?;
        }
        Ok(())
    }

    fn answer_group(&self, header: &Header<'_>) -> Option<Vec<u8>> {
        let mut out = Writer::default();
        out.i32(header.correlation).i32(0);
        match header.api {
            JOIN_GROUP => self.join(header, &mut out)?,
            SYNC_GROUP => self.sync(header, &mut out)?,
            HEARTBEAT => self.heartbeat(header, &mut out)?,
            DESCRIBE_GROUPS => self.describe(header, &mut out)?,
            _ => self.leave(header, &mut out)?,
        }
        Some(out.frame)
    }

    fn join(&self, header: &Header<'_>, out: &mut Writer) -> Option<()> {
        let mut body = header.body;
        let name = body.string()?;
        let session = Duration::from_millis(u64::try_from(body.i32()?).ok()?);
        body.i32()?;
        let member = body.string()?;
        let instance = body.nullable_string()?;
        body.string()?;
        let count = body.array()?;
        let protocols = (0..count)
            .map(|_| Some((body.string()?.to_owned(), body.bytes()??.to_vec())))
            .collect::<Option<Vec<_>>>()?;
        let joined = self.change(name, |group| {
            group.join(Join { member, instance, session, protocols }, Instant::now())
        });
        let joined = match joined {
            Ok(id) => self.wait(name, |group| group.joined(&id))?,
            Err(error) => Joined::refused(error, member),
        };
        out.i16(joined.error).i32(joined.generation).string(&joined.protocol);
        out.string(&joined.leader).string(&joined.member).array(joined.members.len());
        for (id, instance, subscription) in &joined.members {
            out.string(id).nullable_string(instance.as_deref()).bytes(subscription);
        }
        Some(())
    }

    fn sync(&self, header: &Header<'_>, out: &mut Writer) -> Option<()> {
        let mut body = header.body;
        let (name, generation, id) = (body.string()?, body.i32()?, body.string()?);
        body.nullable_string()?;
        let count = body.array()?;
        let assignments = (0..count)
            .map(|_| Some((body.string()?.to_owned(), body.bytes()??.to_vec())))
            .collect::<Option<Vec<_>>>()?;
        self.change(name, |group| group.sync(id, generation, assignments, Instant::now()));
        match self.wait(name, |group| group.synced(id, generation))? {
            Ok(assignment) => out.i16(NONE).bytes(&assignment),
            Err(error) => out.i16(error).bytes(&[]),
        };
        Some(())
    }

    fn heartbeat(&self, header: &Header<'_>, out: &mut Writer) -> Option<()> {
        let mut body = header.body;
        let (name, generation, id) = (body.string()?, body.i32()?, body.string()?);
        let instance = body.nullable_string()?;
        let mut groups = lock(&self.groups);
        let group = groups.entry(name.to_owned()).or_default();
        out.i16(group.heartbeat(id, instance, generation, Instant::now()));
        Some(())
    }

    fn leave(&self, header: &Header<'_>, out: &mut Writer) -> Option<()> {
        let mut body = header.body;
        let (name, id) = (body.string()?, body.string()?);
        out.i16(self.change(name, |group| group.leave(id, Instant::now())));
        Some(())
    }

    /// DescribeGroups 4, the only version that krafka's broker offers.
    fn describe(&self, header: &Header<'_>, out: &mut Writer) -> Option<()> {
        let mut body = header.body;
        let count = body.array()?;
        out.array(count);
        let groups = lock(&self.groups);
        let unknown = Group::default();
        for _ in 0..count {
            let name = body.string()?;
            let group = groups.get(name).unwrap_or(&unknown);
            out.i16(NONE).string(name).string(group.state()).string("consumer");
            out.string(&group.protocol).array(group.members.len());
            for (id, member) in &group.members {
                out.string(id).nullable_string(member.instance.as_deref());
                out.string(id).string("/127.0.0.1").bytes(&[]).bytes(&member.assignment);
            }
            // Which operations are allowed was not asked.
            out.i32(i32::MIN);
        }
        Some(())
    }

    /// Changes a group, tells those who wait, and lets krafka's broker know: it checks offset commits against its own list.
    fn change<T>(&self, name: &str, change: impl FnOnce(&mut Group) -> T) -> T {
        let mut groups = lock(&self.groups);
        let group = groups.entry(name.to_owned()).or_default();
        let result = change(group);
        self.mirror(name, group);
        self.changed.notify_all();
        result
    }

    fn mirror(&self, name: &str, group: &Group) {
        self.fake.with_state(|state| {
            let mirrored = state.groups.entry(name.to_owned()).or_default();
            mirrored.generation_id = group.generation;
            "consumer".clone_into(&mut mirrored.protocol_type);
            mirrored.protocol_name = Some(group.protocol.clone());
            let members = group.members.iter().map(|(id, member)| GroupMember {
                member_id: id.clone(),
                group_instance_id: member.instance.clone(),
                metadata: Default::default(),
                client_id: id.clone(),
                client_host: "/127.0.0.1".to_owned(),
            });
            mirrored.members = members.collect();
        });
    }

    /// Waits until `answer` has one; None when the broker goes away meanwhile.
    fn wait<T>(&self, name: &str, answer: impl Fn(&Group) -> Option<T>) -> Option<T> {
        let mut groups = lock(&self.groups);
        while !self.closed.load(Ordering::Relaxed) {
            if let Some(answer) = groups.get(name).and_then(&answer) {
                return Some(answer);
            }
            let waited = self.changed.wait_timeout(groups, TICK);
            groups = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }
}

impl<'a> Header<'a> {
    fn read(frame: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(frame);
        let (api, version) = (reader.i16()?, reader.i16()?);
        let (correlation, client) = (reader.i32()?, reader.nullable_string()?);
        Some(Self { api, version, correlation, client, body: reader })
    }
}

/// Lets krafka's broker answer; None where either side's frame makes no sense.
fn forward(
    upstream: &mut TcpStream,
    header: &Header<'_>,
    request: &[u8],
) -> io::Result<Option<Vec<u8>>> {
    if header.api == END_TXN && header.version < 3 {
        let Some(raised) = raise_end_txn(header) else { return Ok(None) };
        write_frame(upstream, &raised)?;
        return Ok(lower_end_txn(&read_frame(upstream)?));
    }
    write_frame(upstream, request)?;
    let answer = read_frame(upstream)?;
    match header.api {
        FETCH => Ok(fetch::shape(header.body, &answer)),
        _ => Ok(Some(answer)),
    }
}

/// EndTxn 1 as version 3, which is the first that krafka's broker has and the last whose fields librdkafka sends.
fn raise_end_txn(header: &Header<'_>) -> Option<Vec<u8>> {
    let mut body = header.body;
    let id = body.string()?;
    let mut out = Writer::default();
    out.i16(END_TXN).i16(3).i32(header.correlation).nullable_string(header.client).raw(&[0]);
    out.raw(&[u8::try_from(id.len() + 1).ok().filter(|len| *len < 128)?]);
    out.raw(id.as_bytes()).raw(body.rest()).raw(&[0]);
    Some(out.frame)
}

/// Correlation, throttle and error of version 3's answer without its two empty tag sections.
fn lower_end_txn(answer: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(answer);
    let correlation = reader.take(4)?;
    reader.take(1)?;
    Some([correlation, reader.take(6)?].concat())
}

fn read_frame(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    let len = u32::from_be_bytes(len) as usize;
    let mut frame = vec![0; len];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

fn write_frame(stream: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let mut out = Writer::default();
    stream.write_all(&out.bytes(frame).frame)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
