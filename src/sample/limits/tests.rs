//! A mesh in miniature, and a clock that is turned: traces begin, their spans arrive some seconds
//! later at any replica, and each is judged there.

use std::collections::BTreeMap;

use super::*;

const SECOND: u64 = 1_000_000;
const TICK: u64 = SECOND / 10;
const START: u64 = 1_800_000_000 * SECOND;

/// Envoy sends its spans every five seconds.
const LONGEST_WAY: u64 = 5 * SECOND;

fn budget(spans_per_second: f64) -> SamplingLimits {
    SamplingLimits { spans_per_second: Some(spans_per_second), ..SamplingLimits::default() }
}

fn quota(spans_per_second_per_service: f64) -> SamplingLimits {
    let quota = Some(spans_per_second_per_service);
    SamplingLimits { spans_per_second_per_service: quota, ..SamplingLimits::default() }
}

/// Chance that is the same in every run: splitmix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A span on its way.
struct Flying {
    trace: usize,
    service: usize,
    start: u64,
    replica: usize,
}

#[derive(Default)]
struct Trace {
    began: u64,
    h: f64,
    spans: u32,
    kept: u32,
}

/// Spans of a service a second: kept, and dropped by rule.
#[derive(Default, Clone)]
struct Sums {
    kept: u64,
    dropped: BTreeMap<&'static str, u64>,
}

struct Mesh {
    services: Vec<&'static str>,
    replicas: Vec<Limits>,
    clock: Clock,
    chance: Chance,
    now: u64,
    flying: BTreeMap<u64, Vec<Flying>>,
    traces: Vec<Trace>,
    /// By second since the start, by service.
    sums: Vec<Vec<Sums>>,
}

impl Mesh {
    fn new(settings: &SamplingLimits, replicas: u32, services: &[&'static str]) -> Self {
        let clock = Clock::at(START);
        let settings = SamplingLimits { replicas, ..settings.clone() };
        Mesh {
            services: services.to_vec(),
            replicas: (0..replicas).map(|_| Limits::new(&settings, clock.clone())).collect(),
            clock,
            chance: Chance(1),
            now: START,
            flying: BTreeMap::new(),
            traces: Vec::new(),
            sums: Vec::new(),
        }
    }

    fn seconds(&self) -> f64 {
        (self.now - START) as f64 / SECOND as f64
    }

    /// For so many seconds: so many traces a second begin as `traces` says of the time, each with the
    /// services that `spans` says of the service, and a span of it for each.
    fn run(&mut self, seconds: u64, traces: impl Fn(f64) -> f64, spans: &[usize]) {
        let mut owed = 0.0;
        for _ in 0..seconds * SECOND / TICK {
            owed += traces(self.seconds()) * TICK as f64 / SECOND as f64;
            while owed >= 1.0 {
                owed -= 1.0;
                self.begin_trace(spans);
            }
            self.now += TICK;
            self.clock.turn_to(self.now);
            self.arrive();
        }
    }

    fn begin_trace(&mut self, spans: &[usize]) {
        let began = self.now + self.chance.below(TICK);
        let trace = self.traces.len();
        self.traces.push(Trace { began, h: self.chance.share(), ..Trace::default() });
        for &service in spans {
            let start = began + self.chance.below(150_000);
            let arrival = start + self.chance.below(LONGEST_WAY);
            let replica = self.chance.below(self.replicas.len() as u64) as usize;
            self.flying.entry(arrival / TICK).or_default().push(Flying { trace, service, start, replica });
        }
    }

    /// What arrived by now is judged, in a request for each replica.
    fn arrive(&mut self) {
        let later = self.flying.split_off(&(self.now / TICK));
        let arrived: Vec<Flying> = std::mem::replace(&mut self.flying, later).into_values().flatten().collect();
        let second = self.seconds() as usize;
        self.sums.resize(second + 1, vec![Sums::default(); self.services.len()]);
        for (place, replica) in self.replicas.iter().enumerate() {
            let rates = replica.rates(self.now);
            let mut seen = vec![Seen::default(); self.services.len()];
            for span in arrived.iter().filter(|span| span.replica == place) {
                seen[span.service].demand += 1.0;
                let factor = rates.factor(self.services[span.service], span.start);
                let (trace, sums) = (&mut self.traces[span.trace], &mut self.sums[second][span.service]);
                let keeps = trace.h < factor.product();
                trace.spans += 1;
                trace.kept += u32::from(keeps);
                match keeps {
                    true => sums.kept += 1,
                    false => *sums.dropped.entry(factor.rule(trace.h)).or_default() += 1,
                }
            }
            for (service, seen) in self.services.iter().zip(&seen) {
                replica.observe(service, seen);
            }
        }
    }

    /// Spans of a service kept a second, on average between two times.
    fn kept(&self, service: usize, from: u64, to: u64) -> f64 {
        let sum: u64 = (from..to).map(|second| self.sums[second as usize][service].kept).sum();
        sum as f64 / (to - from) as f64
    }

    fn dropped(&self, service: usize) -> BTreeMap<&'static str, u64> {
        let mut all = BTreeMap::new();
        for (rule, count) in self.sums.iter().flat_map(|second| &second[service].dropped) {
            *all.entry(*rule).or_default() += count;
        }
        all
    }

    /// Of the traces that began between two times, and that were kept in part or whole, the share
    /// that was kept in part.
    fn partial(&self, from: u64, to: u64) -> f64 {
        let time = |second| START + second * SECOND;
        let traces = self.traces.iter().filter(|trace| (time(from)..time(to)).contains(&trace.began));
        let kept: Vec<_> = traces.filter(|trace| trace.kept > 0).collect();
        let partial = kept.iter().filter(|trace| trace.kept < trace.spans).count();
        assert!(kept.len() > 500, "too few to tell: {}", kept.len());
        partial as f64 / kept.len() as f64
    }
}

/// Spans a second that a budget of 5000 lets through, second by second, as of spans that arrive at
/// once: so many arrive as `arriving` says of the second, with noise of 3 %, 600 of them kept by
/// other rules.
fn governed(seconds: u64, arriving: impl Fn(u64) -> f64) -> Vec<f64> {
    let limits = Limits::new(&budget(5000.0), Clock::at(START));
    let mut chance = Chance(7);
    let second = |second: u64| {
        let mut kept = 0.0;
        for tick in 0..10 {
            let now = START + second * SECOND + tick * TICK;
            let spans = (arriving(second) * (0.97 + 0.06 * chance.share()) - 600.0) / 10.0;
            kept += spans * limits.rates(now).factor("any", now).product() + 60.0;
            limits.observe("any", &Seen { above: 60, demand: spans, ..Seen::default() });
        }
        kept
    };
    (0..seconds).map(second).collect()
}

/// The figures of the design: a leap is caught after fifteen seconds, a fall made use of after 25.
#[test]
fn a_budget_is_kept_through_leaps_and_falls() {
    let kept = governed(300, |second| [40_000.0, 160_000.0, 20_000.0][second as usize / 100]);
    let mean = |from: usize, to: usize| kept[from..to].iter().sum::<f64>() / (to - from) as f64;
    // The first second is not governed; the second is.
    assert!(mean(0, 1) > 30_000.0 && mean(2, 10) < 5500.0, "{:?}", &kept[..15]);
    for (from, to) in [(10, 100), (115, 200), (225, 300)] {
        for start in from..to - 10 {
            let rate = mean(start, start + 10);
            assert!((0.9 * 5000.0..=1.05 * 5000.0).contains(&rate), "{rate} from second {start}");
        }
    }
    eprintln!("after 15 s: {:.0}; after 25 s: {:.0}", mean(115, 125), mean(225, 235));
}

#[test]
fn without_limits_nothing_is_dropped_and_nothing_is_counted() {
    let mut mesh = Mesh::new(&SamplingLimits::default(), 1, &["a"]);
    mesh.run(30, |_| 100.0, &[0]);
    assert!(mesh.dropped(0).is_empty());
    assert_eq!(mesh.replicas[0].counts.take().total, Seen::default());
}

/// What befalls three replicas with a budget of 1000 spans a second; traces have eight spans.
#[derive(Debug, Clone, Copy)]
enum Story {
    Steady,
    /// Between half and one and a half, in a minute.
    Swing,
    /// Twice as much for half a minute, and back.
    Leap,
    /// The store pushes back on each, at its own moment.
    PushedBack,
    /// The store pushes back on one of them alone.
    PushedBackOnOne,
    /// One begins anew.
    Restart,
}

/// Of the traces that began in the minute after 30 s, what share of those kept is kept in part.
fn partial_in(story: Story, traces: f64, seed: u64) -> f64 {
    let mut mesh = Mesh { chance: Chance(seed), ..Mesh::new(&budget(1000.0), 3, &["a"]) };
    let spans = [0; 8];
    mesh.run(30, |_| traces, &spans);
    match story {
        Story::Steady => mesh.run(60, |_| traces, &spans),
        Story::Swing => mesh.run(60, |seconds| traces * (1.0 + 0.5 * (seconds / 10.0).sin()), &spans),
        Story::Leap => {
            mesh.run(30, |_| 2.0 * traces, &spans);
            mesh.run(30, |_| traces, &spans);
        }
        Story::PushedBack | Story::PushedBackOnOne => {
            for replica in 0..3 {
                if replica == 0 || matches!(story, Story::PushedBack) {
                    mesh.replicas[replica].pushed_back(17);
                }
                mesh.run(1, |_| traces, &spans);
            }
            mesh.run(57, |_| traces, &spans);
        }
        Story::Restart => {
            let settings = SamplingLimits { replicas: 3, ..budget(1000.0) };
            mesh.replicas[1] = Limits::new(&settings, mesh.clock.clone());
            mesh.run(60, |_| traces, &spans);
        }
    }
    mesh.run(6, |_| 0.0, &spans);
    assert_eq!(mesh.dropped(0).keys().collect::<Vec<_>>(), [&"budget"]);
    mesh.partial(30, 90)
}

/// The share for the worst of some runs of chance.
fn worst(story: Story, traces: f64) -> f64 {
    let worst = (1..=3).map(|seed| partial_in(story, traces, seed)).fold(0.0, f64::max);
    eprintln!("kept in part of those kept: {story:?}, {} spans a second: {:.2} %", traces * 8.0, worst * 100.0);
    worst
}

/// Three replicas, each with random spans of the same traces, no word between them.
#[test]
fn replicas_agree_but_for_a_few_per_cent() {
    for (story, most) in [(Story::Steady, 0.02), (Story::Swing, 0.03), (Story::Leap, 0.03), (Story::PushedBack, 0.03)] {
        let partial = worst(story, 500.0);
        assert!(partial <= most, "{story:?}: {partial}");
    }
}

/// What no rule of ours can heal without a word between replicas; the docs name these numbers.
#[test]
fn replicas_that_see_different_things_disagree_for_a_while() {
    for (story, most) in [(Story::PushedBackOnOne, 0.1), (Story::Restart, 0.05)] {
        let partial = worst(story, 500.0);
        assert!(partial <= most, "{story:?}: {partial}");
    }
    // A tenth of the spans.
    let budget = |seed| {
        let mut mesh = Mesh { chance: Chance(seed), ..Mesh::new(&budget(100.0), 3, &["a"]) };
        mesh.run(300, |_| 50.0, &[0; 8]);
        mesh.run(6, |_| 0.0, &[]);
        mesh.partial(30, 300)
    };
    let few = (1..=3).map(budget).fold(0.0, f64::max);
    eprintln!("kept in part of those kept: steady, 400 spans a second: {:.2} %", few * 100.0);
    assert!(few <= 0.05, "{few}");
}

/// A service at a hundred times its quota: only its own spans go, from the first moment on.
#[test]
fn a_loud_service_costs_the_others_nothing() {
    let settings = SamplingLimits { spans_per_second: Some(1000.0), ..quota(100.0) };
    let mut mesh = Mesh::new(&settings, 1, &["quiet", "loud"]);
    mesh.run(30, |_| 50.0, &[0, 1]);
    for _ in 0..60 * 10 {
        // A tenth of a second of quiet traces, and of 10,000 loud spans a second.
        mesh.run(0, |_| 0.0, &[]);
        for _ in 0..5 {
            mesh.begin_trace(&[0, 1]);
        }
        for _ in 0..1000 {
            mesh.begin_trace(&[1]);
        }
        mesh.now += TICK;
        mesh.clock.turn_to(mesh.now);
        mesh.arrive();
    }
    assert!(mesh.dropped(0).is_empty(), "{:?}", mesh.dropped(0));
    let loud = mesh.kept(1, 60, 90);
    assert!((85.0..=110.0).contains(&loud), "{loud}");
    assert_eq!(mesh.dropped(1).keys().collect::<Vec<_>>(), [&"quota"]);
}

#[test]
fn a_quota_may_be_a_services_own() {
    let by_service = vec![("loud".to_string(), 400.0)];
    let settings = SamplingLimits { spans_per_second_by_service: by_service, ..quota(100.0) };
    let mut mesh = Mesh::new(&settings, 1, &["quiet", "loud", "also loud"]);
    mesh.run(60, |_| 1000.0, &[1, 2]);
    let kept = [mesh.kept(1, 30, 60), mesh.kept(2, 30, 60)];
    assert!((350.0..=420.0).contains(&kept[0]) && (85.0..=105.0).contains(&kept[1]), "{kept:?}");
}

/// A strategy that limits the rate of traces holds for those that the service begins.
#[test]
fn a_rate_limit_of_a_strategy_holds_for_roots() {
    let limits = Limits::new(&SamplingLimits::default(), Clock::at(START));
    let mut kept = 0.0;
    for tick in 0..600 {
        let now = START + tick * TICK;
        let factor = limits.rates(now).factor("front", now).product();
        kept += if tick >= 300 { 10.0 * factor } else { 0.0 };
        let seen = Seen { demand: 50.0, roots: 10, roots_per_second: Some(2.0), ..Seen::default() };
        limits.observe("front", &seen);
        limits.observe("back", &Seen { demand: 50.0, ..Seen::default() });
        assert_eq!(limits.rates(now).factor("back", now), Factor::ALL);
    }
    assert!((1.8..=2.1).contains(&(kept / 30.0)), "{kept}");
}

/// What the store bears falls by a fifth every five seconds in which it pushes back, and comes back
/// by a hundredth of the whole each second.
#[test]
fn the_budget_follows_what_the_store_pushes_back() {
    let limits = Limits::new(&budget(1000.0), Clock::at(START));
    let mut effective = Vec::new();
    for tick in 0..1400 {
        let now = START + tick * TICK;
        limits.rates(now);
        limits.observe("any", &Seen { demand: 1000.0, ..Seen::default() });
        if (300..400).contains(&tick) {
            limits.pushed_back(3);
        }
        if tick % 50 == 49 {
            effective.push(limits.state().budget.unwrap()[1].round());
        }
    }
    assert_eq!(effective[..6], [1000.0; 6]);
    // Two epochs with items that were pushed back, then 50 spans a second more with each.
    assert_eq!(effective[7..13], [800.0, 640.0, 690.0, 740.0, 790.0, 840.0]);
    assert_eq!(effective[16..], vec![1000.0; effective.len() - 16]);
    // However long it pushes back, something is left to try with.
    for tick in 1400..6000 {
        limits.pushed_back(1);
        limits.rates(START + tick * TICK);
    }
    assert_eq!(limits.state().budget.unwrap()[1], 50.0);
}

/// It follows the time that the store takes for its answers in the same way, and stays where it is
/// while none says that they are quick again.
#[test]
fn the_budget_follows_how_quickly_the_store_answers() {
    let limits = Limits::new(&budget(1000.0), Clock::at(START));
    let mut effective = Vec::new();
    let mut epochs = 0..;
    let mut epoch = |in_time, slow| {
        let began = START + epochs.next().unwrap() * EPOCH;
        limits.rates(began);
        limits.observe("any", &Seen { demand: 1000.0, ..Seen::default() });
        limits.answered(in_time, slow);
        limits.rates(began + EPOCH);
        effective.push(limits.state().budget.unwrap()[1].round());
    };
    // One of twenty is no percentile, one of nineteen is.
    [(10, 0), (19, 1), (18, 1), (0, 2)].into_iter().for_each(|(in_time, slow)| epoch(in_time, slow));
    // No answer says nothing; a good one does.
    [(0, 0), (0, 0), (1, 0), (0, 0)].into_iter().for_each(|(in_time, slow)| epoch(in_time, slow));
    assert_eq!(effective, [1000.0, 1000.0, 800.0, 640.0, 640.0, 640.0, 690.0, 740.0]);
}

/// From 80 % on fewer traces are kept: at most a sixteenth of the budget's rate before it is full.
#[test]
fn a_spool_that_fills_up_drops_whole_traces() {
    let mut mesh = Mesh::new(&SamplingLimits::default(), 1, &["a"]);
    let spans = [0; 8];
    mesh.run(20, |_| 100.0, &spans);
    assert!(mesh.dropped(0).is_empty());
    mesh.replicas[0].pressure(0.79);
    mesh.run(10, |_| 100.0, &spans);
    assert!(mesh.dropped(0).is_empty());
    mesh.replicas[0].pressure(0.81);
    // From the next epoch on, and not before: what is under way stays whole.
    let next = (mesh.now / EPOCH + 1) * EPOCH;
    let rates = mesh.replicas[0].rates(mesh.now);
    assert_eq!([next - 1, next].map(|start| rates.factor("a", start).pressure), [1.0, 0.5]);
    mesh.run(30, |_| 100.0, &spans);
    mesh.replicas[0].pressure(0.99);
    mesh.run(30, |_| 100.0, &spans);
    mesh.replicas[0].pressure(0.5);
    mesh.run(30, |_| 100.0, &spans);
    let kept = [mesh.kept(0, 40, 60), mesh.kept(0, 72, 90), mesh.kept(0, 110, 120)];
    assert!((360.0..=440.0).contains(&kept[0]) && (10.0..=40.0).contains(&kept[1]), "{kept:?}");
    assert!(kept[2] > 790.0, "{kept:?}");
    assert_eq!(mesh.dropped(0).keys().collect::<Vec<_>>(), [&"pressure"]);
    assert!(mesh.partial(0, 110) < 0.03);
}

#[test]
fn names_without_end_share_one_quota_and_a_bounded_table() {
    let settings = SamplingLimits { spans_per_second_by_service: vec![("named".into(), 1.0)], ..quota(100.0) };
    let limits = Limits::new(&settings, Clock::at(START));
    let mut now = START;
    limits.rates(now);
    for epoch in 0..6u64 {
        for name in 0..20_000 {
            limits.observe(&format!("{epoch}-{name}"), &Seen { demand: 1.0, ..Seen::default() });
        }
        limits.observe("known", &Seen { demand: 10.0, ..Seen::default() });
        limits.observe("named", &Seen { demand: 100.0, ..Seen::default() });
        now += EPOCH;
        limits.rates(now);
    }
    let rates = limits.rates(now);
    let table = rates.tables.of(now / EPOCH + 1);
    assert!(table.services.len() <= counts::MOST_SERVICES + 1, "{}", table.services.len());
    // 16,000 spans in an epoch of services without an entry, for a quota of 500.
    let other = rates.factor("never seen", now).quota;
    assert!((0.02..=0.05).contains(&other), "{other}");
    assert!(rates.factor("named", now).quota < 0.06);
}

#[test]
fn clocks_that_leap_do_no_harm() {
    let limits = Limits::new(&budget(100.0), Clock::at(START));
    let observe = || limits.observe("any", &Seen { demand: 1000.0, ..Seen::default() });
    for tick in 0..200 {
        limits.rates(START + tick * TICK);
        observe();
    }
    assert!(limits.rates(START + 20 * SECOND).factor("any", START + 20 * SECOND).budget < 0.02);
    // A day later, and back again.
    for now in [START + 86_400 * SECOND, START, START + 86_400 * SECOND, 0, START] {
        let factor = limits.rates(now).factor("any", now);
        assert!((0.0..=1.0).contains(&factor.budget), "{now} {factor:?}");
        observe();
    }
    for tick in 0..200 {
        limits.rates(START + tick * TICK);
        observe();
    }
    assert!(limits.rates(START + 20 * SECOND).factor("any", START + 20 * SECOND).budget < 0.02);
}
