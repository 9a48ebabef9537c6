//! Charts: pictures complete in themselves, because on a slide nothing else survives: what was asked, on
//! which machine, under which load, over how many rounds, by which version.
//!
//! A chart is one function and one row of [`CHARTS`], drawn once or for each scenario; one without data is left
//! out. plotters draws the SVG,
//! and the PNG is made from that very SVG with the same font: no font of the system is ever asked.

mod bars;
mod blocking;
pub(crate) mod canvas;
mod cpu;
mod curves;
mod distribution;
mod dots;
mod drawings;
mod faults;
pub(crate) mod five_ways;
mod growth;
mod hosts;
mod labels;
mod labs;
pub(crate) mod latency_by_rate;
mod lines;
pub(crate) mod look;
pub(crate) mod memory;
pub(crate) mod palette;
pub(crate) mod percentiles;
mod predicted;
mod queueing;
mod state;
mod struck;
pub(crate) mod switches;
pub(crate) mod system_calls;
mod theme;
pub(crate) mod throughput;
pub(crate) mod time_series;
mod work;
mod workers;
mod yardsticks;

pub(crate) use hosts::hosts;

use rayon::prelude::*;
use record::Scenario;
use resvg::{tiny_skia, usvg};

use crate::data::Data;

/// A chart: one row of the table.
struct Chart {
    /// Of its files.
    name: &'static str,
    /// What it shows.
    title: &'static str,
    /// What this means, and what not to conclude from it.
    meaning: &'static str,
    /// The SVG, when there is something to draw.
    draw: Draw,
}

/// What a chart is drawn of.
enum Draw {
    /// Of the suite: one picture.
    Suite(fn(&Data<'_>, &str) -> Option<String>),
    /// Of a scenario: a picture each, named `CHART-SCENARIO` and shown beside the scenario's table.
    Scenario(fn(&Data<'_>, &Scenario, &str) -> Option<String>),
}

/// Every chart, in the order of pages.
const CHARTS: &[Chart] = &[
    Chart {
        name: "predicted",
        title: "Predicted and measured",
        meaning: "Bars are what was measured, each with where it had been put before the run, or with the number that had been \
                  said. Pairs that the run does not tell apart are nobody's mistake. Do not learn the figures: on another \
                  machine they are others, and the order and the reason stay.",
        draw: Draw::Suite(predicted::draw),
    },
    Chart {
        name: "five-ways",
        title: "Five ways at a glance",
        meaning: "Each column is one way of mapping connections onto what the kernel schedules, drawn on top and \
                  measured below; bars of a row share one scale, and whiskers are 95 % intervals. A model \
                  that serves one client at a time has no bar: its figures would be those of a server with one \
                  client. Latency is read at saturation, where it is connections divided by throughput. Do not \
                  conclude that a model is slow for a single user.",
        draw: Draw::Suite(five_ways::draw),
    },
    Chart {
        name: "throughput-by-connections",
        title: "Requests per second as connections grow",
        meaning: "A line that falls to the right pays for every connection it keeps: a task to schedule, memory to \
                  touch. A flat line does not. Do not conclude that the highest line is the best server: the load \
                  is an echo, and work of your own between request and reply narrows the gap.",
        draw: Draw::Suite(throughput::draw),
    },
    Chart {
        name: "latency-by-rate",
        title: "Response time as the rate grows",
        meaning: "While a server has time to spare its line is nearly flat; where it bends up, requests begin to wait \
                  for each other, and how far to the right that happens is what the server can carry. Hollow are \
                  figures that are not valid, the word stands below the name: under overload a queue grows as long \
                  as the window lasts. Do not read a hollow point as a latency, nor the last solid one as the capacity: between \
                  two rates nothing was measured.",
        draw: Draw::Suite(latency_by_rate::draw),
    },
    Chart {
        name: "ratio-by-work",
        title: "What the model costs as requests cost more",
        meaning: "Each server's requests per second as a share of the best one's, against the CPU time that a request \
                  costs beside the echo. Where the lines meet at 1 the work is all that counts, and the model may be \
                  chosen for other reasons. Do not carry it over to work that waits: a loop then stands still, and \
                  threads do not.",
        draw: Draw::Suite(work::draw),
    },
    Chart {
        name: "throughput-by-workers",
        title: "Requests per second as workers grow",
        meaning: "Dashed is Little's law: workers divided by the time for which a request blocks one, which is the most \
                  that can be answered. A pool keeps to it until a core has no time left, or until there are more \
                  workers than clients. Do not conclude that more workers are better: beyond that they add tasks to \
                  schedule and memory, and no answers.",
        draw: Draw::Suite(workers::draw),
    },
    Chart {
        name: "waiting-p90",
        title: "Who waits beside requests that block",
        meaning: "The work is the server's for a share of the requests; p90 is of all of them, most of which have none. \
                  Where the marks of a row lie together, nobody waits for another's request; where they are apart, whoever \
                  does the work could answer nobody meanwhile. Do not conclude that threads are free: each that blocks is \
                  one, and they cost memory and switches.",
        draw: Draw::Suite(blocking::draw),
    },
    Chart {
        name: "waiting-p99",
        title: "The slowest hundredth beside requests that block",
        meaning: "Where a hundredth of the requests blocks, p99 stands at the border of these: in a server that keeps nobody \
                  waiting it is as long as the work itself, or as short as a request without. Longer than the work means \
                  that requests wait for each other. Do not conclude that a server with a short bar does the work faster: \
                  it lets others pass meanwhile.",
        draw: Draw::Suite(blocking::draw_worst),
    },
    Chart {
        name: "cpu-by-clients",
        title: "What a request costs as clients grow",
        meaning: "The same requests from more clients. A line that rises pays for having more of something: caches that \
                  no longer hold all tasks, queues to look through. A flat one does not. Do not take CPU time for waiting: \
                  with N clients in a closed loop each waits N times as long, whatever the model.",
        draw: Draw::Suite(growth::cpu_by_clients),
    },
    Chart {
        name: "throughput-by-cores",
        title: "Requests per second as cores grow",
        meaning: "One loop on one thread stays where it is; workers that share nothing double with the cores, as long as the \
                  generator has cores enough of its own. Do not carry the slope over to more cores than were measured.",
        draw: Draw::Suite(growth::throughput_by_cores),
    },
    Chart {
        name: "memory-by-touch",
        title: "The same state, for processes and for threads",
        meaning: "A process for each connection shares its parent's pages until it writes to them; then each page that is \
                  written to stands once more, up to a copy for each. Threads write to the same page. Do not read RSS for \
                  this: it counts the shared pages once for each process from the beginning.",
        draw: Draw::Suite(state::draw),
    },
    Chart {
        name: "memory-per-connection",
        title: "What one more idle connection weighs",
        meaning: "The slope of memory over connections, so that what a server weighs when empty drops out. Page \
                  tables and kernel stacks stand in no process's resident size: leave them out, and a process for \
                  each connection looks cheaper than it is. After the plus sign stands what the kernel keeps for the sockets \
                  and tasks behind it, booked to nobody: the host's change, hence of both ends. Do not multiply it by a million: limits on tasks and \
                  descriptors come first.",
        draw: Draw::Suite(memory::draw),
    },
    Chart {
        name: "switches-per-request",
        title: "Context switches per request",
        meaning: "Voluntary: the task had nothing to do and waited. Involuntary: it was preempted. A task for each \
                  connection waits once for each request; a loop that always finds something ready hardly ever \
                  waits. Do not conclude that switches are the whole cost: CPU per request includes the rest.",
        draw: Draw::Suite(switches::draw),
    },
    Chart {
        name: "cpu-per-request",
        title: "CPU time per request",
        meaning: "What a request costs the server's core, whoever waits for it: under full load the shortest bar answers \
                  the most. System is the kernel at work for it (sockets, scheduling, new processes), user its own \
                  instructions. Do not conclude that a language is slow where the bar is long: most of an echo is the \
                  kernel's, and how often it is asked decides.",
        draw: Draw::Scenario(cpu::draw),
    },
    Chart {
        name: "system-calls-per-request",
        title: "System calls per request",
        meaning: "How often a request crosses into the kernel, and for what: one read and one write are the least that a \
                  server without io_uring can do, the rest is what its model asks for: waiting, registering, starting \
                  and ending. Counted in passes of their own, because counting slows down. Do not add bars up to a time: \
                  a call that sleeps, one that copies and one that finds nothing cost differently.",
        draw: Draw::Scenario(system_calls::draw),
    },
    Chart {
        name: "faults-per-request",
        title: "Page faults per request",
        meaning: "A page that is touched for the first time, or written to after a fork, is a fault: whoever makes a \
                  process or a stack for each connection pays for it page by page. Drawn only where somebody has some: \
                  a server whose tasks stand touches no new page. Do not compare the bars of two machines: how dear a \
                  fault is the yardsticks say.",
        draw: Draw::Scenario(faults::draw),
    },
    Chart {
        name: "distribution",
        title: "Who answers how much",
        meaning: "A bar is all requests, its pieces are the processes that answered them, the busiest first. The kernel hands a \
                  connection to whichever worker asks first, deals it by a hash, or a master deals it in turn: pieces \
                  of one size mean that the policy is even. Do not conclude that even is fast: a worker that stays awake \
                  saves the waking of the others, and only under load does an uneven share make somebody wait.",
        draw: Draw::Scenario(distribution::draw),
    },
    Chart {
        name: "yardsticks",
        title: "What this machine's parts take",
        meaning: "Measured just before the first pass, on the CPUs that servers and generator got: a model that \
                  forks cannot be cheaper than the fork, one that sleeps between requests no faster than the wake-up. \
                  On a virtual machine a page and a wake-up are dear, and with them every model that needs many. Do not \
                  add parts up to a request: they overlap, and caches are warmer here than in a server.",
        draw: Draw::Suite(yardsticks::draw),
    },
    Chart {
        name: "latency",
        title: "Latency",
        meaning: "To the right the rarer, tenfold each step, as far as ten samples lie beyond. Solid is response \
                  time, from when a request was due: what a user waits. Dashed, where it is another, is service \
                  time, from when it was sent. Where they part the server stalled while requests were due, and a \
                  client that waits for replies before it asks again would not have noticed. Do not compare two such \
                  charts unless they ask at the same rate: at saturation latency is connections divided by \
                  throughput.",
        draw: Draw::Scenario(percentiles::draw),
    },
    Chart {
        name: "queueing",
        title: "Queueing theory and what came",
        meaning: "From the times that requests took on the idle server, and the rate, theory foretells the response times: M/M/c \
                  takes service times for exponential, M/G/1 takes them as they were. Where the solid line lies on the curve, \
                  waiting in line is all there is; above it the server loses time to something else. Do not read the curves at a \
                  rate that the server cannot carry: no queue is stationary there.",
        draw: Draw::Scenario(queueing::draw),
    },
    Chart {
        name: "struck",
        title: "Around the strike",
        meaning: "Where bars go on at the line's height, nobody but the clients of the struck process noticed; where they \
                  end, nobody is left who serves. A process of its own costs its own clients when it dies, a thread the \
                  whole server. Do not conclude that a server without a gap loses nothing: the requests that were on their \
                  way are lost, and a gap shorter than a bar is filled by the replies that follow it.",
        draw: Draw::Scenario(struck::draw),
    },
    Chart {
        name: "time-series",
        title: "Over time",
        meaning: "All panels share one clock, so that a peak of response time can be laid against what went on: \
                  fewer replies, a queue, a generator that had no time. A step holds few samples, so read its shape \
                  here and the figure in the table. Do not take a line that rises to the window's end for a \
                  latency: it is a queue that grows.",
        draw: Draw::Scenario(time_series::draw),
    },
    Chart {
        name: "latency-by-mechanism",
        title: "A message and its answer, by every way",
        meaning: "Where the two marks of a row lie far apart, the time is not the mechanism's: another core has to be \
                  woken, which on a virtual machine costs more than any way to say something. Do not choose by this \
                  chart alone: most of them carry no content, or no order, or only one message.",
        draw: Draw::Suite(labs::latency_by_mechanism),
    },
    Chart {
        name: "throughput-by-size",
        title: "Bytes a second, by the size of a message",
        meaning: "Small messages pay for their number, large ones for their bytes: a line that bends has gone from the \
                  one to the other. Do not read the right end as the memory's speed: every byte is written, read and \
                  compared.",
        draw: Draw::Suite(labs::throughput_by_size),
    },
    Chart {
        name: "spawn-by-state",
        title: "Starting something, by the parent's state",
        meaning: "fork copies the page tables of all that its parent holds, so it rises with it; in huge pages there \
                  are few tables to copy. What lends the parent's memory, and threads, stay flat. Do not conclude that \
                  fork copies the state itself: that happens later, page by page, to whoever writes.",
        draw: Draw::Suite(labs::spawn_by_state),
    },
    Chart {
        name: "copy-on-write",
        title: "What a copy of a process weighs",
        meaning: "Both processes together weigh little more than one until somebody writes; then every page that is \
                  written to stands twice. RSS counts shared pages twice from the beginning: do not add it up.",
        draw: Draw::Suite(labs::copy_on_write),
    },
];

/// A chart that had data.
pub(crate) struct Drawn {
    /// Of its files.
    pub name: String,
    /// The scenario it is drawn of, if it is of one.
    pub scenario: Option<String>,
    /// What it shows.
    pub title: String,
    /// What this means, and what not to conclude.
    pub meaning: &'static str,
    /// The picture.
    pub svg: String,
}

/// Every chart that has data.
pub(crate) fn draw_all(data: &Data<'_>) -> Vec<Drawn> {
    let drawn = CHARTS.par_iter().map(|chart| chart.pictures(data));
    drawn.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// The chart of this name, if it has data.
pub(crate) fn draw_one(data: &Data<'_>, name: &str) -> Option<Drawn> {
    let is_meant = |chart: &&Chart| {
        let rest = name.strip_prefix(chart.name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let mut drawn = CHARTS
        .iter()
        .filter(is_meant)
        .flat_map(|chart| chart.pictures(data));
    drawn.find(|drawn| drawn.name == name)
}

/// Names of charts, whether or not a folder has data for them; the second says that it is drawn of each scenario.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, bool)> {
    let is_each = |chart: &Chart| matches!(chart.draw, Draw::Scenario(_));
    CHARTS.iter().map(move |chart| (chart.name, is_each(chart)))
}

impl Chart {
    fn pictures(&self, data: &Data<'_>) -> Vec<Drawn> {
        match self.draw {
            Draw::Suite(draw) => {
                let title = data.look.title.as_deref().unwrap_or(self.title);
                let svg = draw(data, title);
                svg.map(|svg| self.drawn(data, None, title.to_owned(), svg))
                    .into_iter()
                    .collect()
            }
            Draw::Scenario(draw) => {
                let picture = |scenario: &Scenario| {
                    let own = || format!("{}: {}", self.title, scenario.title);
                    let title = data.look.title.clone().unwrap_or_else(own);
                    let svg = draw(data, scenario, &title)?;
                    Some(self.drawn(data, Some(&scenario.name), title, svg))
                };
                data.sections().filter_map(picture).collect()
            }
        }
    }

    fn drawn(&self, data: &Data<'_>, scenario: Option<&str>, title: String, svg: String) -> Drawn {
        let name = match scenario {
            Some(scenario) => format!("{}-{}", self.name, file_name(scenario)),
            None => self.name.to_owned(),
        };
        Drawn {
            name,
            scenario: scenario.map(str::to_owned),
            svg: theme::themed(
                canvas::described(svg, &title, self.meaning),
                data.look.theme,
            ),
            title,
            meaning: self.meaning,
        }
    }
}

/// A scenario's name as a part of a file's: suites allow no others, but records come from anywhere.
pub(crate) fn file_name(scenario: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    scenario
        .chars()
        .map(|c| if plain(c) { c } else { '-' })
        .collect()
}

/// The picture in another size, its units as they were.
pub(crate) fn sized(svg: &str, width: u32) -> String {
    let of = |name: &str| {
        let (_, rest) = svg.split_once(&format!(" {name}=\""))?;
        rest.split_once('"').map(|(value, _)| value)
    };
    let (Some(was), Some(high)) = (of("width"), of("height")) else {
        return svg.to_owned();
    };
    let parsed = |text: &str| text.parse::<f64>().unwrap_or(1.0);
    let height = parsed(high) * f64::from(width) / parsed(was);
    // A height is rounded to a pixel: the picture fills it all the same.
    let new = format!(
        " width=\"{width}\" height=\"{:.0}\" preserveAspectRatio=\"none\"",
        height.max(1.0)
    );
    svg.replacen(&format!(" width=\"{was}\" height=\"{high}\""), &new, 1)
}

/// Pixels an inch of a screen, where a unit is a pixel.
const SCREEN: u32 = 96;
/// A picture with more takes half a gigabyte of memory.
const MEGAPIXELS: u64 = 128;
const INCHES_A_METRE: f64 = 39.370_078_740_157_48;

/// The PNG of an SVG, pixel for unit.
///
/// # Errors
/// With what the renderer said.
pub(crate) fn png(svg: &str) -> Result<Vec<u8>, String> {
    png_at(svg, SCREEN)
}

/// The PNG of an SVG with so many pixels an inch, of which a unit is the 96th part; the file says so, for whoever prints.
///
/// # Errors
/// With what the renderer said.
pub(crate) fn png_at(svg: &str, dpi: u32) -> Result<Vec<u8>, String> {
    let mut options = usvg::Options {
        font_family: canvas::FONT.to_owned(),
        ..usvg::Options::default()
    };
    let fonts = options.fontdb_mut();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let scale = dpi as f32 / SCREEN as f32;
    let size = tree.size().to_int_size();
    let size = size.scale_by(scale).ok_or("it has no size")?;
    let megapixels = u64::from(size.width()) * u64::from(size.height()) / 1_000_000;
    if megapixels > MEGAPIXELS {
        return Err(format!(
            "it would have {megapixels} megapixels, and {MEGAPIXELS} are the most"
        ));
    }
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or("it has no size")?;
    let transform = tiny_skia::Transform::from_scale(scale, scale);
    resvg::render(&tree, transform, &mut pixels.as_mut());
    encoded(pixels, dpi).map_err(|error| error.to_string())
}

/// As a file; where it is not of a screen, it says how many pixels an inch it has.
fn encoded(pixels: tiny_skia::Pixmap, dpi: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    if dpi != SCREEN {
        let a_metre = (f64::from(dpi) * INCHES_A_METRE).round() as u32;
        encoder.set_pixel_dims(Some(png::PixelDimensions {
            xppu: a_metre,
            yppu: a_metre,
            unit: png::Unit::Meter,
        }));
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels.take_demultiplied())?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
