//! Random operations on a watched store, and `out` byte for byte what a build makes of it. The long
//! form, with a clock that moves and a daemon that is killed, is `tests/outside/model.py`.

use std::fs;
use std::path::PathBuf;

use crate::daemon::{Daemon, in_seconds};
use crate::laws::Dice;
use crate::project::{Project, article_with, assert_same};

const OPERATIONS: u64 = 400;
const EVERY: u64 = 40;

#[test]
fn whatever_happens_to_a_store_out_is_what_a_build_makes() {
    let project = Project::with("[feeds]\nnewest = 5\n[guard]\nmax_loss = \"100%\"\n");
    project.write_many(0..20);
    let daemon = Daemon::start(&project);
    let mut dice = Dice(7);
    for operation in 1..=OPERATIONS {
        operate(&project, &mut dice, operation);
        if operation % EVERY == 0 {
            daemon.sync();
            let expected = project.rebuilt(&in_seconds(0));
            let what = format!("after {operation} operations");
            assert_same(&project.tree(), &expected, &what);
        }
    }
    daemon.stop();
}

/// Changes the store, or what is commanded, in one way or another.
fn operate(project: &Project, dice: &mut Dice, number: u64) {
    let place = place(project, dice);
    let other = self::place(project, dice);
    match dice.below(12) {
        0..=2 => fs::write(place, text(dice, number)).unwrap(),
        3..=5 => {
            let staged = place.with_file_name(".staged.tmp");
            fs::write(&staged, text(dice, number)).unwrap();
            fs::rename(staged, place).unwrap();
        }
        // What is not there cannot go.
        6 => drop(fs::remove_file(place)),
        7 | 8 => drop(fs::rename(place, other)),
        9 => fs::write(place, [&b"---\ntitle: [\n"[..], b"\xff"][index(dice, 2)]).unwrap(),
        10 => {
            let (from, to) = (place.parent().unwrap(), project.store().join("moved"));
            if from != project.store() && !to.exists() {
                fs::rename(from, to).unwrap();
            } else {
                drop(fs::rename(to, project.store().join("d1")));
            }
        }
        _ => {
            let id = format!("i{}", dice.below(30));
            let order = ["withdraw", "restore"][index(dice, 2)];
            // Only what is withdrawn can be restored.
            project.khabar(&[order, &id]);
        }
    }
}

/// One of eighty paths, in a folder that is there.
fn place(project: &Project, dice: &mut Dice) -> PathBuf {
    let folder = ["", "d0", "d1", "d1/deep"][index(dice, 4)];
    let folder = project.store().join(folder);
    fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{}.md", dice.below(20)))
}

fn text(dice: &mut Dice, number: u64) -> String {
    let id = format!("i{}", dice.below(30));
    let date = format!(
        "2025-{:02}-{:02}T12:00:00Z",
        1 + dice.below(3),
        1 + dice.below(28)
    );
    let status = ["", "", "", "draft: true\n", "status: withdrawn\n"][index(dice, 5)];
    let lines = format!(
        "summary: ملخص {number}\nsection: s{}\nstory: t{}\n{status}",
        dice.below(3),
        dice.below(4)
    );
    article_with(&id, &date, &lines)
}

fn index(dice: &mut Dice, end: u64) -> usize {
    usize::try_from(dice.below(end)).unwrap()
}
