//! Small drawings of the models, for those who look before they read: dots are clients, boxes processes,
//! strands threads, a circle with an arrow the event loop, small squares the places of a queue.

use std::f64::consts::{PI, TAU};

use plotters::style::RGBColor;

use super::canvas::Canvas;
use super::palette::tint;

/// Width and height of a drawing.
pub(crate) const SIZE: (i32, i32) = (226, 230);

const CLIENTS: i32 = 5;
/// Between clients, and so between the processes and threads below them.
const GAP: i32 = 45;
const GREY: RGBColor = RGBColor(0xb4, 0xb9, 0xc1);

/// Draws the model of `family`, its middle on top at `(x, y)`; a family that has no drawing gets a box.
pub(crate) fn draw(canvas: &Canvas<'_>, family: &str, (x, y): (i32, i32), colour: RGBColor) {
    let sheet = Sheet {
        canvas,
        x,
        y,
        colour,
    };
    match family {
        "iterative" => sheet.iterative(),
        "fork-per-connection" => sheet.processes(false),
        "prefork" => sheet.processes(true),
        "thread-per-connection" => sheet.threads(),
        "thread-pool" => sheet.pool(),
        "event-driven" => sheet.event_loop(),
        _ => sheet.process(-60, 80, 60, 210),
    }
}

/// The glyphs with their names, for the margin.
pub(crate) fn glyph(canvas: &Canvas<'_>, kind: Glyph, (x, y): (i32, i32)) {
    let sheet = Sheet {
        canvas,
        x,
        y,
        colour: RGBColor(0x5a, 0x60, 0x6a),
    };
    match kind {
        Glyph::Client => sheet.client(0, 0, true),
        Glyph::Process => sheet.process(-16, -12, 16, 12),
        Glyph::Thread => sheet.strand(0, -17, 17),
    }
}

/// What the margin explains.
#[derive(Clone, Copy)]
pub(crate) enum Glyph {
    /// A dot.
    Client,
    /// A box.
    Process,
    /// A strand.
    Thread,
}

/// A place on the canvas to draw on, in one colour.
struct Sheet<'a, 'b> {
    canvas: &'a Canvas<'b>,
    x: i32,
    y: i32,
    colour: RGBColor,
}

impl Sheet<'_, '_> {
    fn at(&self, (x, y): (i32, i32)) -> (i32, i32) {
        (self.x + x, self.y + y)
    }

    fn client(&self, x: i32, y: i32, served: bool) {
        if served {
            self.canvas.dot(self.at((x, y)), 11, self.colour);
        } else {
            self.canvas
                .dot(self.at((x, y)), 10, RGBColor(0xff, 0xff, 0xff));
            self.canvas.ring(self.at((x, y)), 10, GREY, 3);
        }
    }

    /// Clients in a row on top; their x.
    fn clients(&self, served: i32) -> Vec<i32> {
        let xs: Vec<i32> = (0..CLIENTS)
            .map(|index| (index - CLIENTS / 2) * GAP)
            .collect();
        for (index, &x) in (0..).zip(&xs) {
            self.client(x, 14, index < served);
        }
        xs
    }

    fn link(&self, from: (i32, i32), to: (i32, i32)) {
        self.canvas
            .line(&[self.at(from), self.at(to)], self.colour, 3);
    }

    fn process(&self, x0: i32, y0: i32, x1: i32, y1: i32) {
        let ((x0, y0), (x1, y1)) = (self.at((x0, y0)), self.at((x1, y1)));
        self.canvas.fill(x0, y0, x1, y1, tint(self.colour, 84));
        self.canvas.outline(x0, y0, x1, y1, self.colour, 3);
    }

    /// A thread: a strand that runs down.
    fn strand(&self, x: i32, y0: i32, y1: i32) {
        let points: Vec<(i32, i32)> = (0..=24)
            .map(|step| {
                let y = y0 + (y1 - y0) * step / 24;
                let wave = (f64::from(y - y0) / 24.0 * PI).sin() * 5.0;
                self.at((x + wave.round() as i32, y))
            })
            .collect();
        self.canvas.line(&points, self.colour, 4);
    }

    fn arrow(&self, tip: (i32, i32), towards: f64, size: f64) {
        let corner = |angle: f64, length: f64| {
            let (x, y) = (
                length * (towards + angle).cos(),
                length * (towards + angle).sin(),
            );
            self.at((tip.0 + x.round() as i32, tip.1 + y.round() as i32))
        };
        self.canvas.polygon(
            &[corner(0.0, size), corner(2.4, size), corner(-2.4, size)],
            self.colour,
        );
    }

    /// One process, one thread, one client; the others wait.
    fn iterative(&self) {
        let xs = self.clients(1);
        self.process(-60, 92, 60, 214);
        self.strand(0, 106, 200);
        self.canvas.line(
            &[
                self.at((xs[0], 26)),
                self.at((xs[0], 58)),
                self.at((0, 58)),
                self.at((0, 90)),
            ],
            self.colour,
            3,
        );
        for &x in &xs[1..] {
            self.canvas
                .line(&[self.at((x, 26)), self.at((x, 42))], GREY, 3);
        }
    }

    /// A process each: forked when a client comes, or (`before`) kept ready, one of them still idle.
    fn processes(&self, before: bool) {
        let served = if before { CLIENTS - 1 } else { CLIENTS };
        let xs = self.clients_of(served);
        for (index, &x) in (0..).zip(&xs) {
            self.process(x - 17, 66, x + 17, 138);
            self.strand(x, 74, 130);
            if index < served {
                self.link((x, 26), (x, 64));
            }
            let (from, to) = (self.at((x * 2 / 5, 178)), self.at((x, 142)));
            if before {
                self.canvas.dashes(&[from, to], self.colour, 2, 8);
            } else {
                self.canvas.line(&[from, to], self.colour, 2);
                let towards = f64::from(142 - 178).atan2(f64::from(x - x * 2 / 5));
                self.arrow((x - (7.0 * towards.cos()) as i32, 150), towards, 10.0);
            }
        }
        self.process(-60, 180, 60, 216);
    }

    /// As [`Self::clients`], without a dot for who is not there.
    fn clients_of(&self, there: i32) -> Vec<i32> {
        let xs: Vec<i32> = (0..CLIENTS)
            .map(|index| (index - CLIENTS / 2) * GAP)
            .collect();
        for (index, &x) in (0..).zip(&xs) {
            if index < there {
                self.client(x, 14, true);
            }
        }
        xs
    }

    /// One process, a thread each.
    fn threads(&self) {
        let xs = self.clients(CLIENTS);
        self.process(-112, 66, 112, 214);
        for &x in &xs {
            self.link((x, 26), (x, 84));
            self.strand(x, 84, 200);
        }
    }

    /// One process: clients in a queue, a fixed number of threads take from it.
    fn pool(&self) {
        let xs = self.clients(CLIENTS);
        self.process(-112, 66, 112, 214);
        for (index, &x) in (0..).zip(&xs) {
            let place = (index - CLIENTS / 2) * 36;
            self.link((x, 26), (place, 84));
            let ((x0, y0), (x1, y1)) = (self.at((place - 15, 84)), self.at((place + 15, 110)));
            self.canvas.fill(
                x0,
                y0,
                x1,
                y1,
                if index < 3 {
                    self.colour
                } else {
                    RGBColor(0xff, 0xff, 0xff)
                },
            );
            self.canvas.outline(x0, y0, x1, y1, self.colour, 3);
        }
        for thread in -1..=1 {
            self.link((thread * 36, 112), (thread * 62, 140));
            self.strand(thread * 62, 140, 202);
        }
    }

    /// One process, one thread that goes round and serves whoever is ready.
    fn event_loop(&self) {
        let xs = self.clients(CLIENTS);
        self.process(-112, 66, 112, 214);
        let (middle, radius) = (144, 46.0);
        let on_circle = |angle: f64| {
            (
                (radius * angle.cos()).round() as i32,
                middle + (radius * angle.sin()).round() as i32,
            )
        };
        for (index, &x) in xs.iter().enumerate() {
            let angle = PI + PI * (index as f64 + 0.5) / xs.len() as f64;
            self.link((x, 26), on_circle(angle));
        }
        let points: Vec<(i32, i32)> = (0..=60)
            .map(|step| self.at(on_circle(0.15 + (TAU - 0.5) * f64::from(step) / 60.0)))
            .collect();
        self.canvas.line(&points, self.colour, 6);
        let end = 0.15 + TAU - 0.5;
        self.arrow(on_circle(end), end + PI / 2.0, 17.0);
    }
}
