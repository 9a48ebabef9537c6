//! The table of mechanisms, a line each.

use super::end::{Pair, Refused};
use super::{Mechanism, Parties, Sizes, carried, memory, packets, queues, signals, streams, turns};
use Parties::{Processes, Threads};
use Sizes::{Only, UpTo};

const MIB: usize = 1 << 20;
/// The default buffer of a socket of the Unix domain, less what the kernel keeps for itself.
const DATAGRAM: usize = 65_536;
const UDP: usize = 65_507;
const QUEUE: usize = 8_192;

/// How much goes one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneWay {
    /// Nothing: it says "your turn", and no more than once.
    Never,
    /// As much as fits; who sends too much has to wait.
    AsFits,
    /// So many bytes, or one message, until a word comes back: more would be lost, refused or overwritten.
    InFlight(usize),
}

/// Who makes it.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// We, both ends, before anybody is forked.
    Ends(Make),
    /// We, one end: the kernel answers.
    End(Make),
    /// Node, by one of its two ways to write messages down.
    Node(&'static str),
}

/// How a mechanism is made, and what may be done with it.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Who makes it.
    pub by: By,
    /// What goes one way.
    pub one_way: OneWay,
    /// Whether its objects outlive the processes that use them.
    pub lasting: bool,
}

/// Makes both ends of messages of so many bytes.
type Make = fn(usize) -> Result<Pair, Refused>;

const fn row(
    name: &'static str,
    title: &'static str,
    parties: Parties,
    sizes: Sizes,
    one_way: OneWay,
    make: Make,
) -> Mechanism {
    let way = Way {
        by: By::Ends(make),
        one_way,
        lasting: false,
    };
    Mechanism {
        name,
        title,
        parties,
        sizes,
        way,
    }
}

const fn bytes(name: &'static str, title: &'static str, parties: Parties, make: Make) -> Mechanism {
    row(name, title, parties, UpTo(MIB), OneWay::AsFits, make)
}

const fn turn(name: &'static str, title: &'static str, parties: Parties, make: Make) -> Mechanism {
    row(name, title, parties, Only(0), OneWay::Never, make)
}

const fn packet(
    name: &'static str,
    title: &'static str,
    parties: Parties,
    make: Make,
) -> Mechanism {
    row(name, title, parties, UpTo(DATAGRAM), OneWay::AsFits, make)
}

const fn lasting(mechanism: Mechanism) -> Mechanism {
    let way = Way {
        lasting: true,
        ..mechanism.way
    };
    Mechanism { way, ..mechanism }
}

const fn node(name: &'static str, title: &'static str, serialization: &'static str) -> Mechanism {
    let way = Way {
        by: By::Node(serialization),
        one_way: OneWay::AsFits,
        lasting: false,
    };
    Mechanism {
        name,
        title,
        parties: Processes,
        sizes: UpTo(MIB),
        way,
    }
}

/// All of them, in the order of tables.
pub const ALL: &[Mechanism] = &[
    bytes("pipe", "two pipes", Processes, streams::pipes),
    bytes("fifo", "two named pipes", Processes, streams::fifos),
    bytes(
        "socketpair-stream",
        "a pair of stream sockets",
        Processes,
        streams::socketpair,
    ),
    packet(
        "socketpair-datagram",
        "a pair of datagram sockets",
        Processes,
        packets::datagrams,
    ),
    packet(
        "socketpair-seqpacket",
        "a pair of packet sockets",
        Processes,
        packets::sequenced,
    ),
    bytes(
        "unix-stream",
        "a domain socket, stream",
        Processes,
        streams::named,
    ),
    packet(
        "unix-datagram",
        "domain sockets, datagrams",
        Processes,
        packets::named_datagrams,
    ),
    packet(
        "unix-seqpacket",
        "a domain socket, packets",
        Processes,
        packets::named_sequenced,
    ),
    bytes("tcp", "TCP over loopback", Processes, streams::tcp),
    row(
        "udp",
        "UDP over loopback",
        Processes,
        UpTo(UDP),
        OneWay::InFlight(UDP),
        packets::udp,
    ),
    lasting(row(
        "mq-posix",
        "POSIX message queues",
        Processes,
        UpTo(QUEUE),
        OneWay::AsFits,
        queues::posix,
    )),
    lasting(row(
        "mq-system-v",
        "System V message queues",
        Processes,
        UpTo(QUEUE),
        OneWay::AsFits,
        queues::system_v,
    )),
    turn(
        "semaphore-posix",
        "POSIX semaphores",
        Processes,
        turns::posix,
    ),
    lasting(turn(
        "semaphore-system-v",
        "System V semaphores",
        Processes,
        turns::system_v,
    )),
    turn("futex", "futexes", Processes, turns::futex),
    turn("eventfd", "eventfds", Processes, turns::eventfd),
    turn(
        "file-lock",
        "locks of a file, handed over",
        Processes,
        turns::lock,
    ),
    turn(
        "signal-usr1",
        "USR1, by sigwaitinfo",
        Processes,
        signals::waited_for,
    ),
    turn(
        "signalfd",
        "USR1, by signalfd",
        Processes,
        signals::descriptor,
    ),
    row(
        "signal-real-time",
        "a real-time signal with a word",
        Processes,
        Only(8),
        OneWay::InFlight(1),
        signals::queued,
    ),
    turn(
        "signal-int-handler",
        "INT, to a handler",
        Processes,
        signals::int,
    ),
    turn(
        "signal-quit-handler",
        "QUIT, to a handler",
        Processes,
        signals::quit,
    ),
    Mechanism {
        name: "signal-kill",
        title: "KILL, until it is reaped",
        parties: Processes,
        sizes: Only(0),
        way: Way {
            by: By::End(signals::fatal),
            one_way: OneWay::Never,
            lasting: false,
        },
    },
    bytes(
        "shm-posix-spin",
        "POSIX shared memory, spinning",
        Processes,
        memory::posix_spinning,
    ),
    bytes(
        "shm-posix-futex",
        "POSIX shared memory, by futex",
        Processes,
        memory::posix_blocking,
    ),
    lasting(bytes(
        "shm-system-v-spin",
        "System V shared memory, spinning",
        Processes,
        memory::system_v_spinning,
    )),
    lasting(bytes(
        "shm-system-v-futex",
        "System V shared memory, by futex",
        Processes,
        memory::system_v_blocking,
    )),
    row(
        "process-vm-readv",
        "reading the other's memory",
        Processes,
        UpTo(MIB),
        OneWay::InFlight(1),
        memory::fetching,
    ),
    row(
        "scm-rights",
        "a descriptor with each byte",
        Processes,
        Only(1),
        OneWay::AsFits,
        carried::descriptors,
    ),
    bytes(
        "json-lines",
        "JSON over a pair of sockets",
        Processes,
        carried::json,
    ),
    node("node-channel-json", "node's channel, JSON", "json"),
    node(
        "node-channel-advanced",
        "node's channel, structured clone",
        "advanced",
    ),
    bytes(
        "pipe-threads",
        "two pipes, threads",
        Threads,
        streams::pipes,
    ),
    bytes(
        "socketpair-stream-threads",
        "a pair of stream sockets, threads",
        Threads,
        streams::socketpair,
    ),
    bytes(
        "tcp-threads",
        "TCP over loopback, threads",
        Threads,
        streams::tcp,
    ),
    turn(
        "semaphore-posix-threads",
        "POSIX semaphores, threads",
        Threads,
        turns::posix,
    ),
    turn("futex-threads", "futexes, threads", Threads, turns::futex),
    turn(
        "eventfd-threads",
        "eventfds, threads",
        Threads,
        turns::eventfd,
    ),
    bytes(
        "memory-spin-threads",
        "memory, spinning, threads",
        Threads,
        memory::posix_spinning,
    ),
    bytes(
        "memory-futex-threads",
        "memory, by futex, threads",
        Threads,
        memory::posix_blocking,
    ),
];
