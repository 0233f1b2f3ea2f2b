use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;

use super::*;
use crate::article::TopicId;
use crate::document::{Channel, Document, DocumentKey, FeedFormat, Receipt};

/// A target of its own, and what is in it.
struct World {
    folder: tempfile::TempDir,
    target: DirectoryTarget,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = DirectoryTarget::lock(&folder.path().join("out")).unwrap();
        Self { folder, target }
    }

    /// Every file, the stage's too, by path.
    fn tree(&self) -> BTreeMap<String, String> {
        let out = self.folder.path().join("out");
        let mut open = vec![out.clone()];
        let mut files = BTreeMap::new();
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(&out).unwrap().to_str().unwrap();
                    let text = std::fs::read_to_string(&path).unwrap();
                    files.insert(name.to_owned(), text);
                }
            }
        }
        files
    }

    /// Publishes documents and retires others.
    fn publish(&self, documents: &[Document], retired: &[String]) -> Receipt {
        let publication = self.target.begin();
        publication.stage(&release(documents)).unwrap();
        publication.finish(retired).unwrap()
    }

    fn inode(&self, path: &str) -> u64 {
        let path = self.folder.path().join("out").join(path);
        path.metadata().unwrap().ino()
    }
}

fn story(number: usize, text: &str) -> Document {
    let id = TopicId::new(&format!("s{number:03}")).unwrap();
    Document {
        key: DocumentKey::Feed(Channel::Story(id), FeedFormat::Rss),
        bytes: text.as_bytes().to_vec(),
    }
}

fn index(text: &str) -> Document {
    Document {
        key: DocumentKey::SitemapIndex,
        bytes: text.as_bytes().to_vec(),
    }
}

fn release(documents: &[Document]) -> Release {
    Release {
        documents: documents.to_vec(),
        ..Release::default()
    }
}

/// More folders than are held open, more files than are synced one by one and than lie in one folder of
/// the stage, in parts and in an order that has indexes first.
#[test]
fn nothing_is_visible_before_every_part_is_staged() {
    let world = World::new();
    let publication = world.target.begin();
    publication.stage(&release(&[index("i")])).unwrap();
    let stories: Vec<Document> = (0..600).map(|number| story(number, "s")).collect();
    for batch in stories.chunks(97) {
        publication.stage(&release(batch)).unwrap();
        let mut visible = world.tree().into_keys();
        assert!(visible.all(|path| path.starts_with(".khabar-stage/")));
    }
    let receipt = publication.finish(&[]).unwrap();
    assert_eq!((receipt.written, receipt.removed), (601, 0));
    let tree = world.tree();
    assert_eq!(tree.len(), 601);
    assert_eq!(tree["sitemap.xml"], "i");
    assert_eq!(tree["stories/s599/rss.xml"], "s");
}

#[test]
fn a_publication_that_is_given_up_leaves_everything_as_it_was() {
    let world = World::new();
    world.publish(&[story(1, "old")], &[]);
    let before = world.tree();
    let stories: Vec<Document> = (1..500).map(|number| story(number, "new")).collect();
    for count in [1, stories.len()] {
        let given_up = world.target.begin();
        given_up.stage(&release(&stories[..count])).unwrap();
        assert_ne!(world.tree(), before, "it is staged");
        drop(given_up);
        assert_eq!(world.tree(), before);
        let stage = world.folder.path().join("out/.khabar-stage");
        assert!(!stage.exists());
    }
}

#[test]
fn equal_bytes_are_written_again_only_where_others_were_said_to_be_there() {
    let world = World::new();
    let publish = |is_replaced: bool| {
        let mut release = release(&[story(1, "s")]);
        if is_replaced {
            release.replaced.insert("stories/s001/rss.xml".to_owned());
        }
        let publication = world.target.begin();
        publication.stage(&release).unwrap();
        publication.finish(&[]).unwrap().written
    };
    assert_eq!(publish(false), 1);
    let inode = world.inode("stories/s001/rss.xml");
    assert_eq!(publish(false), 0);
    assert_eq!(world.inode("stories/s001/rss.xml"), inode);
    assert_eq!(publish(true), 1);
    assert_ne!(world.inode("stories/s001/rss.xml"), inode);
}

#[test]
fn what_is_retired_goes_with_its_folder_and_can_come_back() {
    let world = World::new();
    let both = [story(1, "a"), story(2, "b")];
    world.publish(&both, &[]);
    let retired = [
        "stories/s001/rss.xml".to_owned(),
        "stories/s003/rss.xml".to_owned(),
    ];
    let receipt = world.publish(&[story(2, "c")], &retired);
    assert_eq!((receipt.written, receipt.removed), (1, 1));
    let out = world.folder.path().join("out");
    assert!(!out.join("stories/s001").exists() && out.join("stories/s002").exists());
    assert_eq!(world.publish(&both, &[]).written, 2);
    assert_eq!(world.tree()["stories/s001/rss.xml"], "a");
}
