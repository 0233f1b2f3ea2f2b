//! A newsroom's archive, made from a seed: ten years with a folder a day, most of it recent, sections
//! and stories by Zipf, articles of about 5 kB of Arabic.
//!
//! The same seed and size give the same articles; only their dates hang on the day they are made, for
//! the daemon goes by the real clock. Each article is made from its number alone, so that any one can
//! be made again, in another revision.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use rayon::prelude::*;
use serde::Serialize;

/// How far back the archive goes.
const DAYS: f64 = 3_650.0;
/// Half of all articles are not older than this many days.
const HALF_LIFE: f64 = 400.0;
/// Articles of the last 48 hours, and at most this share of all.
const NEWS: usize = 800;
const NEWS_SHARE: usize = 4;
/// Between these ages in hours they lie, so that for an hour and more the clock alone moves nothing
/// (an article leaves the floor of a feed after one hour, the news sitemap after 48) and an edit is
/// measured by itself.
const NEWS_AGES: (f64, f64) = (1.5, 44.0);
/// The others are older than this many hours.
const ARCHIVE_AGE: f64 = 50.0;
const SECTIONS: usize = 30;
const AUTHORS: usize = 60;
const TAGS: usize = 200;
/// So many articles to a story on average, were all alike.
const STORY_SIZE: usize = 40;
/// In percent: articles without a story.
const STORYLESS: usize = 30;
/// Bytes of a body at least, which makes files of about 5 kB.
const BODY: usize = 3_600;
const SENTENCES: [&str; 16] = [
    "أعلنت الهيئة المشرفة على الميناء انتهاء أعمال التوسعة قبل موعدها بأسبوعين.",
    "وأوضح المدير الفني أن الرافعات الجديدة ستبدأ العمل مع مطلع الشهر المقبل.",
    "وتوقع خبراء النقل أن تنخفض مدة انتظار السفن إلى النصف خلال عام واحد.",
    "وشارك في حفل الافتتاح ممثلون عن البلديات المجاورة وعدد من طلاب الهندسة.",
    "وفي المقابل طالب سكان الحي القديم بخطة واضحة للحد من الضجيج ليلا.",
    "وقالت بائعة زهور عند البوابة الشرقية إن الحركة تضاعفت منذ الصيف الماضي.",
    "وبلغت كلفة المرحلة الأولى ثلاثة وأربعين مليونا وفق الأرقام الرسمية.",
    "وسجلت محطة الرصد هبوطا طفيفا في مستوى الغبار بعد رصف الطريق الساحلي.",
    "ومن المنتظر أن يناقش المجلس تقرير السلامة في جلسته العلنية يوم الأربعاء.",
    "وذكر مراسلنا أن الأمطار أخرت نقل المعدات ثلاثة أيام ولم تسبب أضرارا.",
    "وأضافت الباحثة أن العينات التي جمعت من الخليج تحتاج إلى تحليل أطول.",
    "ويعود تاريخ المنارة المطلة على المرسى إلى أكثر من مئة وخمسين عاما.",
    "وتعهدت الشركة المنفذة بزراعة ألف شجرة على امتداد الرصيف الجديد.",
    "واتفق الطرفان على تشكيل لجنة مشتركة تجتمع مرة كل شهرين لمتابعة التنفيذ.",
    "وأظهر استطلاع محلي أن سبعة من كل عشرة سائقين يفضلون المسار البحري.",
    "وختم المتحدث بالقول إن التفاصيل ستنشر كاملة على الموقع قبل نهاية الأسبوع.",
];

/// The articles of a store, newest first.
pub(crate) struct Store {
    pub(crate) root: PathBuf,
    seed: u64,
    articles: Vec<Article>,
}

/// What is decided about an article before it is written.
#[derive(Clone, Copy)]
struct Article {
    number: usize,
    published: DateTime<Utc>,
}

/// An article as it is after an edit.
#[derive(Clone, Copy)]
pub(crate) struct Revision {
    pub(crate) number: usize,
    pub(crate) is_retitled: bool,
    pub(crate) at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Written {
    id: String,
    title: String,
    summary: String,
    published: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    section: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    story: Option<String>,
    tags: Vec<String>,
    authors: Vec<Person>,
    image: Image,
    body: String,
}

#[derive(Serialize)]
struct Person {
    name: String,
}

#[derive(Serialize)]
struct Image {
    url: String,
    caption: &'static str,
    credit: String,
    #[serde(rename = "type")]
    media_type: &'static str,
    width: u32,
    height: u32,
}

impl Store {
    /// Decides dates; nothing is written yet.
    pub(crate) fn plan(root: PathBuf, seed: u64, count: usize) -> Self {
        let now = Utc::now();
        let news = NEWS.min(count / NEWS_SHARE);
        let mut articles: Vec<Article> = (0..count)
            .map(|number| {
                let mut dice = Dice::new(seed, number);
                let hours = if number < news {
                    NEWS_AGES.0 + dice.unit() * (NEWS_AGES.1 - NEWS_AGES.0)
                } else {
                    let days = -HALF_LIFE * (1.0 - dice.unit()).log2();
                    ARCHIVE_AGE + days % DAYS * 24.0
                };
                Article {
                    number,
                    published: now - Duration::seconds((hours * 3_600.0) as i64),
                }
            })
            .collect();
        articles.sort_by_key(|article| (std::cmp::Reverse(article.published), article.number));
        Self {
            root,
            seed,
            articles,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.articles.len()
    }

    /// Writes every article, and makes them durable.
    pub(crate) fn write(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.root)?;
        self.articles
            .chunk_by(|a, b| a.day() == b.day())
            .collect::<Vec<_>>()
            .into_par_iter()
            .try_for_each(|day| {
                for (place, article) in day.iter().enumerate() {
                    let path = self.place(article);
                    if place == 0
                        && let Some(folder) = path.parent()
                    {
                        fs::create_dir(folder)?;
                    }
                    fs::write(&path, self.text(article, None)?)?;
                }
                anyhow::Ok(())
            })
            .context("the store cannot be written")
    }

    /// The file of the article that has so many newer ones.
    pub(crate) fn path(&self, rank: usize) -> PathBuf {
        self.place(&self.articles[rank])
    }

    /// What is in that file after an edit.
    pub(crate) fn revised(&self, rank: usize, revision: Revision) -> anyhow::Result<Vec<u8>> {
        self.text(&self.articles[rank], Some(revision))
    }

    fn place(&self, article: &Article) -> PathBuf {
        let name = format!("{}.json", article.number);
        self.root.join(article.day()).join(name)
    }

    fn text(&self, article: &Article, revision: Option<Revision>) -> anyhow::Result<Vec<u8>> {
        let number = article.number;
        // Of another seed than the date: both are the article's first throws otherwise.
        let mut dice = Dice::new(!self.seed, number);
        let mut body = String::with_capacity(2 * BODY);
        while body.len() < BODY {
            body.push_str("<p>");
            let place = dice.below(SENTENCES.len());
            for step in 0..4 {
                body.push_str(SENTENCES[(place + step * (1 + number % 5)) % SENTENCES.len()]);
                body.push(' ');
            }
            let other = dice.below(number + 1);
            writeln!(body, "<a href=\"/{other}/\">({other})</a></p>")?;
        }
        let mut title = format!("{} {number}", dice.pick(&SENTENCES).trim_end_matches('.'));
        if let Some(revision) = revision {
            if revision.is_retitled {
                write!(title, " — {}", revision.number)?;
            }
            let sentence = dice.pick(&SENTENCES);
            write!(body, "<p>{sentence} ({})</p>", revision.number)?;
        }
        let stories = (self.len() / STORY_SIZE).max(1);
        let has_story = dice.below(100) >= STORYLESS;
        let written = Written {
            id: format!("n{number}"),
            title,
            summary: format!("{} {}", dice.pick(&SENTENCES), dice.pick(&SENTENCES)),
            published: rfc3339(article.published),
            updated: revision.map(|revision| rfc3339(revision.at)),
            section: format!("قسم {}", dice.zipf(SECTIONS)),
            story: has_story.then(|| format!("قصة {}", dice.zipf(stories))),
            tags: (0..3).map(|_| format!("وسم {}", dice.zipf(TAGS))).collect(),
            authors: vec![Person {
                name: format!("كاتب {}", dice.zipf(AUTHORS)),
            }],
            image: Image {
                url: format!("https://news.example/images/{number}.jpg"),
                caption: dice.pick(&SENTENCES),
                credit: format!("مصور {}", dice.zipf(AUTHORS)),
                media_type: "image/jpeg",
                width: 1_600,
                height: 900,
            },
            body,
        };
        Ok(serde_json::to_vec(&written)?)
    }
}

impl Article {
    fn day(&self) -> String {
        self.published.format("%Y-%m-%d").to_string()
    }
}

/// Replaces a file as an editor does: beside it, then by rename.
pub(crate) fn save(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let staged = path.with_extension("json.tmp");
    fs::write(&staged, content)?;
    fs::rename(&staged, path)?;
    Ok(())
}

fn rfc3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Numbers that look random and are the same every time: `SplitMix64`.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64, stream: usize) -> Self {
        let mut dice = Self(seed ^ (stream as u64).wrapping_mul(0xd134_2543_de82_ef95));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to and without 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((self.unit() * end as f64) as usize).min(end.saturating_sub(1))
    }

    /// Below `end`, small numbers far more often: each in inverse proportion to its rank.
    fn zipf(&mut self, end: usize) -> usize {
        let place = (self.unit() * ((end + 1) as f64).ln()).exp() as usize;
        place.clamp(1, end.max(1)) - 1
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }
}
