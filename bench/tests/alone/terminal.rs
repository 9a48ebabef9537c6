//! A lesson that is typed into a terminal, from the predictions to what came of them.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use nix::pty::{Winsize, openpty};

use crate::support::{PATIENCE, Place, alone, ends};

/// What came from the other end of a terminal, as it comes.
struct Screen {
    pieces: Receiver<Vec<u8>>,
    seen: String,
}

impl Screen {
    fn of(mut master: File) -> Self {
        let (sender, pieces) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The other side's end is EIO.
            while let Ok(count @ 1..) = master.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Screen {
            pieces,
            seen: String::new(),
        }
    }

    /// Waits until it shows so many prompts.
    fn prompts(&mut self, count: usize) {
        while self.seen.matches("\n> ").count() < count {
            let piece = self.pieces.recv_timeout(PATIENCE);
            let piece = piece.unwrap_or_else(|error| panic!("{error}: {}", self.seen));
            self.seen += &String::from_utf8_lossy(&piece).replace('\r', "");
        }
    }

    /// Everything to its end.
    fn rest(mut self) -> String {
        let mut bytes = Vec::new();
        loop {
            match self.pieces.recv_timeout(PATIENCE) {
                Ok(piece) => bytes.extend(piece),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {}", self.seen),
            }
        }
        self.seen += &String::from_utf8_lossy(&bytes);
        self.seen
    }
}

/// Without escapes: they have no width.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        out.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic());
        rest = end.map_or("", |end| &after[end + 1..]);
    }
    out + rest
}

#[test]
fn one_is_typed_into_a_terminal_from_prediction_to_chart() {
    let _alone = alone();
    let place = Place::new();
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(Some(&size), None).expect("a pseudo-terminal");
    let end = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
    let mut command =
        place.command(&["lesson", "4", "--quick", "--student", "Ada", "--out", "out"]);
    command.stdin(end()).stdout(end()).stderr(end());
    let mut child = command.spawn().expect("fiveways runs");
    // Only the child's copies are left, so that its end is the terminal's.
    drop(command);
    drop(pty.slave);
    let mut keyboard = File::from(pty.master.try_clone().expect("a descriptor"));
    let mut screen = Screen::of(File::from(pty.master));
    screen.prompts(1);
    assert!(
        screen.seen.contains("Lesson 4") && screen.seen.contains("3  sh-c"),
        "{}",
        screen.seen
    );
    let mut types = |line: &str| keyboard.write_all(line.as_bytes()).expect("a keyboard");
    types("shell first\n");
    screen.prompts(2);
    assert!(
        screen.seen.contains("`shell` is none of them"),
        "{}",
        screen.seen
    );
    types("3 2 fork, 5 4\n");
    screen.prompts(3);
    types("20 x\n");
    let seen = screen.rest();
    assert_eq!(ends(&mut child).code(), Some(0), "{seen}");
    let told = plain(seen.rsplit("Lesson 4").next().expect("told"));
    assert!(
        told.contains('█') && told.contains("you: 1") && told.contains("tells apart"),
        "{told}"
    );
    assert!(
        told.contains("Ada: ") && told.contains("To read on: fiveways explain C3"),
        "{told}"
    );
    for line in told.lines().filter(|line| !line.contains("out/")) {
        assert!(line.trim_end().chars().count() <= 80, "{line}");
    }
    assert!(place.path("out/charts/predicted.svg").exists());
    place.assert_nothing_left(&[]);
}
