//! The thread that has real processes follow the simulated ones, round by round.

use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::census::{Count, boot_time_seconds, census, since_boot_seconds};
use super::crew::{News, Order, Orders, Seen};
use super::group::{Burner, Group, kill};
use super::ration::{Load, Need, ration};

/// What a process has used too much or too little is made up for in about this time. stress-ng and loops take their
/// pauses by the clock, so they use less than they are asked for when the machine is busy.
const HORIZON_SECS: f64 = 3.0;
/// To catch up, a process uses at most so many times more than it is to; and what is next to nothing as well.
const CATCH_UP_MAX: f64 = 2.0;
const CATCH_UP_CORES: f64 = 0.01;
/// A load is begun anew before it ends by itself, which is after 60 s.
const RENEWAL_SECS: f64 = 45.0;
/// So many percents of a core wait until the last change is so long ago.
const SMALL_CHANGE_PERCENT: u32 = 3;
const SMALL_CHANGE_SECS: f64 = 4.0;
/// How long a group has for its end before it is helped.
const LEAVE_SECS: f64 = 5.0;
/// How often the last ones are looked after when the thread ends, and the time between.
const LAST_LOOKS: u32 = 60;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Driver {
    burner: Burner,
    path: String,
    cores_max: f64,
    boot_time_seconds: f64,
    slots: Vec<Option<Tenant>>,
    /// Those that are to end, and since when.
    leaving: Vec<(Child, f64)>,
    /// Whether none could be begun the last time; that is told once.
    cannot_begin: bool,
    news: Arc<Mutex<News>>,
}

/// The real process in a slot.
#[derive(Debug)]
struct Tenant {
    life: u32,
    group: Group,
    load: Load,
    load_since_secs: f64,
    /// What the simulated one had used when this one began.
    cpu_seconds_before: f64,
    count: Count,
}

impl Driver {
    pub(super) fn new(burner: Burner, path: String, cores_max: f64, news: Arc<Mutex<News>>) -> Self {
        Self {
            burner,
            path,
            cores_max,
            boot_time_seconds: boot_time_seconds().unwrap_or(0.0),
            slots: Vec::new(),
            leaving: Vec::new(),
            cannot_begin: false,
            news,
        }
    }

    /// Does what is ordered, and tells what there is.
    pub(super) fn round(&mut self, orders: &Orders) {
        let now_secs = orders.now_secs;
        self.slots.resize_with(orders.slots.len(), || None);
        self.wait_for_leaving(now_secs);
        for (slot, order) in self.slots.iter_mut().zip(&orders.slots) {
            let life = order.as_ref().map(|order| order.life);
            if let Some(old) = slot.take_if(|tenant| Some(tenant.life) != life) {
                self.leaving.push((old.group.end(), now_secs));
            }
        }
        let mut complaint = self.begin_missing(orders);
        self.count();
        self.bury(now_secs, &mut complaint);
        self.set_loads(orders, &mut complaint);
        self.tell(complaint);
    }

    /// What each is asked for.
    #[cfg(test)]
    pub(super) fn loads(&self) -> impl Iterator<Item = Load> {
        self.slots.iter().flatten().map(|tenant| tenant.load)
    }

    fn begin_missing(&mut self, orders: &Orders) -> Option<String> {
        let mut complaint = None;
        for (slot, order) in self.slots.iter_mut().zip(&orders.slots) {
            let (None, Some(order)) = (&slot, order) else { continue };
            match Group::begin(&self.burner, &order.name, &self.path) {
                Ok(group) => {
                    *slot = Some(Tenant::new(order, group));
                    self.cannot_begin = false;
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.cannot_begin, true) {
                        complaint = Some(format!("a real process cannot be started: {error}"));
                    }
                    break;
                }
            }
        }
        complaint
    }

    fn count(&mut self) {
        let counts = census(self.slots.iter().flatten().map(|tenant| tenant.group.pid()));
        for tenant in self.slots.iter_mut().flatten() {
            let count = counts.get(&tenant.group.pid()).copied().unwrap_or_default();
            // What ends while it is counted may be missed once.
            let cpu_seconds = count.cpu_seconds.max(tenant.count.cpu_seconds);
            tenant.count = Count { cpu_seconds, ..count };
        }
    }

    /// Takes out those that somebody else has ended; they begin anew in the next round.
    fn bury(&mut self, now_secs: f64, complaint: &mut Option<String>) {
        for slot in &mut self.slots {
            if let Some(dead) = slot.take_if(|tenant| !tenant.count.is_led) {
                let pid = dead.group.pid();
                *complaint =
                    Some(format!("the real process {pid} was ended by somebody else; another one begins"));
                if dead.count.others > 0 {
                    kill(pid);
                }
                self.leaving.push((dead.group.end(), now_secs));
            }
        }
    }

    fn wait_for_leaving(&mut self, now_secs: f64) {
        self.leaving.retain_mut(|(shell, since_secs)| {
            let is_over = !matches!(shell.try_wait(), Ok(None));
            if !is_over && now_secs - *since_secs > LEAVE_SECS {
                kill(shell.id());
                *since_secs = now_secs;
            }
            !is_over
        });
    }

    /// Says how much CPU each is to use, all together never more than they may.
    fn set_loads(&mut self, orders: &Orders, complaint: &mut Option<String>) {
        let needs: Vec<Need> =
            self.slots
                .iter()
                .zip(&orders.slots)
                .map(|pair| {
                    if let (Some(tenant), Some(order)) = pair { tenant.need(order) } else { Need::default() }
                })
                .collect();
        let best = ration(&needs, self.cores_max);
        let kept = |slot: &Option<Tenant>, best: Load| match slot {
            Some(tenant) if !tenant.should_change(best, orders.now_secs) => tenant.load,
            _ => best,
        };
        let all: u32 = self.slots.iter().zip(&best).map(|(slot, best)| kept(slot, *best).percent()).sum();
        let are_too_many = f64::from(all) > self.cores_max * 100.0;
        for (slot, best) in self.slots.iter_mut().zip(best) {
            let kept = kept(slot, best);
            let load = if are_too_many && best.percent() < kept.percent() { best } else { kept };
            let Some(tenant) = slot else { continue };
            if let Err(error) = tenant.set_load(load, orders.now_secs) {
                *complaint =
                    Some(format!("the real process {} does not listen: {error}", tenant.group.pid()));
            }
        }
    }

    fn tell(&self, complaint: Option<String>) {
        let now = since_boot_seconds().unwrap_or(0.0);
        let see = |tenant: &Tenant| Seen {
            life: tenant.life,
            pid: tenant.group.pid(),
            cpu_seconds: tenant.count.cpu_seconds,
            memory_bytes: tenant.count.memory_bytes,
            threads: tenant.count.threads,
            open_fds: tenant.count.open_fds,
            start_time_seconds: self.boot_time_seconds + tenant.count.start_secs,
            uptime_seconds: (now - tenant.count.start_secs).max(0.0),
        };
        let seen = self.slots.iter().map(|slot| slot.as_ref().map(see)).collect();
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        news.seen = seen;
        if complaint.is_some() {
            news.complaint = complaint;
        }
    }
}

/// All end, and are waited for, but not for long.
impl Drop for Driver {
    fn drop(&mut self) {
        let last = self.slots.drain(..).flatten().map(|tenant| (tenant.group.end(), 0.0));
        self.leaving.extend(last);
        for _ in 0..LAST_LOOKS {
            self.wait_for_leaving(0.0);
            if self.leaving.is_empty() {
                return;
            }
            std::thread::park_timeout(LOOK_AGAIN);
        }
        self.wait_for_leaving(f64::INFINITY);
    }
}

impl Tenant {
    fn new(order: &Order, group: Group) -> Self {
        Self {
            life: order.life,
            group,
            load: Load::default(),
            load_since_secs: f64::NEG_INFINITY,
            cpu_seconds_before: order.cpu_seconds,
            count: Count::default(),
        }
    }

    /// How much CPU it needs to keep up with the simulated one, or to let that catch up.
    fn need(&self, order: &Order) -> Need {
        let behind = order.cpu_seconds - self.cpu_seconds_before - self.count.cpu_seconds;
        // Who has got nothing for long need not make up for all of it.
        let more_max = (order.cores * CATCH_UP_MAX).max(CATCH_UP_CORES);
        let more = (behind / HORIZON_SECS).clamp(-order.cores, more_max);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few")]
        let workers = order.cores.ceil().max(1.0) as u32;
        Need { cores: (order.cores + more).min(f64::from(workers)), workers }
    }

    fn should_change(&self, load: Load, now_secs: f64) -> bool {
        let is_due = now_secs - self.load_since_secs >= SMALL_CHANGE_SECS;
        load.change_from(self.load).is_some_and(|percent| is_due || percent > SMALL_CHANGE_PERCENT)
    }

    fn set_load(&mut self, load: Load, now_secs: f64) -> std::io::Result<()> {
        let is_old = load.percent() > 0 && now_secs - self.load_since_secs > RENEWAL_SECS;
        if load == self.load && !is_old {
            return Ok(());
        }
        (self.load, self.load_since_secs) = (load, now_secs);
        self.group.load(load)
    }
}
