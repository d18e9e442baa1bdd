//! The registry beside plain vectors and maps that do the same job.
//!
//! Everything is timed in turn, several times over, with every connection in its groups meanwhile.

mod directory;
pub(crate) mod memory;
mod world;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use hub_core::registry::{Audience, Registry};

use self::directory::{Directory, NAMES, Outlet};
use self::world::{Connection, Draw, JOINED, World};
use crate::cases::Scale;
use crate::floors::Sets;
use crate::process::pin;
use crate::report::{Row, Unit};

/// How many operations are timed together; few, so that what one finds cold the one before has not warmed.
const BATCH: usize = 500;

/// More than the caches hold.
const EVICTING: usize = 128 * 1024 * 1024;

/// Every table of the registry.
pub(crate) fn run(scale: Scale) -> Vec<Row> {
    pin(false);
    let world = World::new(scale.registered.1);
    [walks(scale, &world), changes(scale, &world), look_ups(scale, &world), memory::rows(scale)]
        .concat()
}

/// A row for each directory, the registry's beside the floors.
fn beside_floors(what: &str, unit: Unit) -> Vec<Row> {
    beside(what, unit, format!("{what}, floor").leak())
}

/// A row for each directory, the registry's beside others.
fn beside(what: &str, unit: Unit, others: &'static str) -> Vec<Row> {
    // Names are made once for a row, and live until the program ends.
    let row = |name: &str| match name {
        "registry" => Row::new(format!("{what}: registry").leak(), unit, Some(others)),
        floor => Row::new(format!("{what}, {floor}").leak(), unit, None),
    };
    NAMES.map(row).into()
}

/// Pushes to everybody, in nanoseconds for each.
fn walks(scale: Scale, world: &World) -> Vec<Row> {
    let (mut registry, mut sets) = (Registry::new([7; 16]), Sets::new());
    world.connect(&mut registry);
    world.connect(&mut sets);
    let mut outlets: Vec<Arc<Outlet>> = Vec::with_capacity(registry.len());
    registry.each(&Audience::All, &[], |outlet| outlets.push(Arc::clone(outlet)));
    let one = &*world.connections[0].id;
    let acts: [&dyn Fn(); 4] = [
        &|| outlets.iter().for_each(|outlet| outlet.push()),
        &|| sets.connections.values().for_each(|connection| connection.outlet.push()),
        &|| registry.each(&Audience::All, &[], |outlet| outlet.push()),
        &|| registry.each(&Audience::All, &[one], |outlet| outlet.push()),
    ];
    let rows = [
        ("All, floor: Vec", None),
        ("All, floor: HashMap", None),
        ("All: registry", Some("All, floor")),
        ("All but one: registry", Some("All, floor")),
        ("All, cold, floor: Vec", None),
        ("All, cold, floor: HashMap", None),
        ("All, cold: registry", Some("All, cold, floor")),
        ("All but one, cold: registry", Some("All, cold, floor")),
    ];
    let mut rows = rows.map(|(name, beside)| Row::new(name, Unit::Nanoseconds, beside));
    let mut caches = Caches::new(scale);
    for _ in 0..scale.runs {
        for (row, (act, cold)) in
            rows.iter_mut().zip([false, true].map(|cold| acts.map(|act| (act, cold))).concat())
        {
            if cold {
                caches.evict();
            } else {
                act();
            }
            row.runs.push(nanoseconds(outlets.len(), act));
        }
    }
    rows.into()
}

/// Joins, leaves, connects and disconnects.
fn changes(scale: Scale, world: &World) -> Vec<Row> {
    let mut directories = NAMES.map(directory::empty);
    for directory in &mut directories {
        world.connect(&mut **directory);
    }
    let mut tables = CHANGES.map(|(what, unit, _)| beside_floors(what, unit));
    let mut caches = Caches::new(scale);
    for run in 0..scale.runs {
        let batch = Batch::new(world, run);
        for (nth, directory) in directories.iter_mut().enumerate() {
            for (table, (.., change)) in tables.iter_mut().zip(CHANGES) {
                table[nth].runs.push(change(&mut **directory, &batch, &mut caches));
            }
        }
    }
    tables.concat()
}

/// Some of the connections, with a group that each is not in; and some that are yet to come.
///
/// All of it is its own copy, as what has just been read from a socket is: no directory has it too.
struct Batch<'a> {
    world: &'a World,
    outsiders: Vec<(String, String)>,
    newcomers: Vec<Newcomer>,
}

struct Newcomer {
    id: Arc<str>,
    user: Arc<str>,
    outlet: Arc<Outlet>,
    groups: [String; 3],
}

impl<'a> Batch<'a> {
    fn new(world: &'a World, run: usize) -> Self {
        let mut some: Vec<&Connection> = world.connections.iter().collect();
        Draw(run as u64).shuffle(&mut some);
        some.truncate(BATCH);
        let group = |connection: &Connection, nth| world.group(connection, nth).to_owned();
        let outsider =
            |connection: &&Connection| (connection.id.to_string(), group(connection, JOINED));
        let newcomer = |connection: &&Connection| Newcomer {
            id: format!("{}+", &connection.id[1..]).into(),
            user: (*connection.user).into(),
            outlet: Arc::default(),
            groups: std::array::from_fn(|nth| group(connection, nth)),
        };
        let outsiders = some.iter().map(outsider).collect();
        Self { world, outsiders, newcomers: some.iter().map(newcomer).collect() }
    }

    /// Evicts everything but what a caller has in its hands.
    fn cool(&self, caches: &mut Caches) {
        caches.evict();
        for newcomer in &self.newcomers {
            newcomer.outlet.push();
            let groups = newcomer.groups.iter().map(String::as_bytes);
            groups.chain([newcomer.id.as_bytes(), newcomer.user.as_bytes()]).for_each(read);
        }
        for (id, group) in &self.outsiders {
            read(id.as_bytes());
            read(group.as_bytes());
        }
    }

    fn join(&self, directory: &mut dyn Directory) -> f64 {
        nanoseconds(BATCH, || {
            self.outsiders.iter().for_each(|(id, group)| directory.join(id, group))
        })
    }

    fn leave(&self, directory: &mut dyn Directory) -> f64 {
        nanoseconds(BATCH, || {
            self.outsiders.iter().for_each(|(id, group)| directory.leave(id, group))
        })
    }

    fn connect(&self, directory: &mut dyn Directory) -> f64 {
        nanoseconds(BATCH, || {
            for Newcomer { id, user, outlet, groups } in &self.newcomers {
                directory.connect(id, user, outlet);
                groups.iter().for_each(|group| directory.join(id, group));
            }
        })
    }

    fn disconnect(&self, directory: &mut dyn Directory) -> f64 {
        nanoseconds(BATCH, || {
            self.newcomers.iter().for_each(|newcomer| directory.disconnect(&newcomer.id))
        })
    }
}

type Change = fn(&mut dyn Directory, &Batch<'_>, &mut Caches) -> f64;

/// In an order in which each finds what it needs, and the first what it needs again.
const CHANGES: [(&str, Unit, Change); 8] = [
    ("10 joins of everybody, each", Unit::Nanoseconds, |directory, batch, _| {
        let world = batch.world;
        nanoseconds(world.connections.len() * JOINED, || {
            for connection in &world.connections {
                for nth in 0..JOINED {
                    directory.join(&connection.id, world.group(connection, nth));
                }
            }
        })
    }),
    ("join", Unit::Nanoseconds, |directory, batch, _| {
        batch.join(directory);
        batch.leave(directory);
        batch.join(directory)
    }),
    ("leave", Unit::Nanoseconds, |directory, batch, _| batch.leave(directory)),
    ("join, cold", Unit::Nanoseconds, |directory, batch, caches| {
        batch.cool(caches);
        batch.join(directory)
    }),
    ("leave, cold", Unit::Nanoseconds, |directory, batch, caches| {
        batch.cool(caches);
        batch.leave(directory)
    }),
    ("connect, 3 joins, disconnect", Unit::Microseconds, |directory, batch, _| {
        batch.connect(directory);
        batch.disconnect(directory);
        (batch.connect(directory) + batch.disconnect(directory)) / 1e3
    }),
    ("connect, 3 joins, disconnect, cold", Unit::Microseconds, |directory, batch, caches| {
        batch.cool(caches);
        let connected = batch.connect(directory);
        batch.cool(caches);
        (connected + batch.disconnect(directory)) / 1e3
    }),
    ("10 leaves of everybody, each", Unit::Nanoseconds, |directory, batch, _| {
        let world = batch.world;
        nanoseconds(world.connections.len() * JOINED, || {
            for nth in 0..JOINED {
                for connection in &world.connections {
                    directory.leave(&connection.id, world.group(connection, nth));
                }
            }
        })
    }),
];

/// Pushes to users and groups of 10, with few and with many connections.
fn look_ups(scale: Scale, many: &World) -> Vec<Row> {
    let few = World::new(scale.registered.0);
    let [few, many] = [&few, many].map(|world| {
        NAMES.map(directory::empty).map(|mut directory| {
            world.connect(&mut *directory);
            for (nth, connection) in world.connections.iter().enumerate() {
                directory.join(&connection.id, &world.groups[nth / 10]);
            }
            directory
        })
    });
    // The same names in both, so that what differs is how many others there are.
    let names = scale.registered.0 / 10;
    let users: Vec<String> = (0..names).map(|nth| format!("user-{nth}")).collect();
    let groups: Vec<String> = (0..names).map(|nth| format!("group-{nth}")).collect();
    let user = |directory: &dyn Directory| {
        nanoseconds(names, || users.iter().for_each(|user| directory.push_to_user(user)))
    };
    let group = |directory: &dyn Directory| {
        nanoseconds(names, || groups.iter().for_each(|group| directory.push_to_group(group)))
    };
    type Ask<'a> = &'a dyn Fn(&dyn Directory) -> f64;
    let asked: [(&[_; 3], Ask<'_>); 4] =
        [(&few, &user), (&many, &user), (&few, &group), (&many, &group)];
    let mut tables = [
        ("user of 10, among 1,000", "user of 10, among 1,000, floor"),
        ("user of 10, among 100,000", "user of 10, among 1,000: registry"),
        ("group of 10, among 1,000", "group of 10, among 1,000, floor"),
        ("group of 10, among 100,000", "group of 10, among 1,000: registry"),
    ]
    .map(|(what, others)| beside(what, Unit::Nanoseconds, others));
    for _ in 0..scale.runs * scale.runs {
        for (table, (directories, ask)) in tables.iter_mut().zip(asked) {
            for (row, directory) in table.iter_mut().zip(directories) {
                ask(&**directory);
                row.runs.push(ask(&**directory));
            }
        }
    }
    tables.concat()
}

/// How long each of so many took.
fn nanoseconds(count: usize, act: impl FnOnce()) -> f64 {
    let start = Instant::now();
    act();
    start.elapsed().as_nanos() as f64 / count as f64
}

fn read(bytes: &[u8]) {
    black_box(bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
}

/// Something else that wants to be in the caches.
struct Caches(Vec<u64>);

impl Caches {
    fn new(scale: Scale) -> Self {
        let bytes = if scale.runs > 1 { EVICTING } else { 0 };
        Self(vec![1; bytes / size_of::<u64>()])
    }

    fn evict(&mut self) {
        self.0.iter_mut().for_each(|word| *word = word.wrapping_mul(3));
        black_box(&self.0);
    }
}
