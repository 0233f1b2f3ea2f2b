// Reads every RSS, Atom, JSON Feed and OPML document with feedsmith, a JavaScript feed parser.
//
// Usage: node feedsmith.mjs OUT SITE
//
// Each must parse, and the RSS and Atom feed of a channel must name the ids of its JSON Feed in the
// same order. The OPML must name feeds that exist.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseAtomFeed, parseJsonFeed, parseOpml, parseRssFeed } from 'feedsmith'

const [out, site] = process.argv.slice(2)
const counts = { rss: 0, atom: 0, json: 0, outlines: 0 }
const faults = []

/** The text of a document below `out`. */
const read = (...parts) => readFileSync(join(out, ...parts), 'utf8')

/** Every outline of an OPML body, nested ones too. */
const flatten = (outlines = []) =>
  outlines.flatMap((outline) => [outline, ...flatten(outline.outlines)])

/** Compares the ids of one feed with those of the channel's JSON Feed. */
function compare(path, ids, wanted) {
  if (JSON.stringify(ids) !== JSON.stringify(wanted)) {
    faults.push(`${path}: ids ${ids.join(' ')}, not ${wanted.join(' ')}`)
  }
}

/** Reads the three feeds of one channel. */
function checkChannel(folder) {
  const json = parseJsonFeed(read(folder, 'feed.json'))
  const wanted = (json.items ?? []).map((item) => item.id)
  counts.json += 1
  const rss = parseRssFeed(read(folder, 'rss.xml'))
  compare(join(folder, 'rss.xml'), (rss.items ?? []).map((item) => item.guid?.value), wanted)
  counts.rss += 1
  const atom = parseAtomFeed(read(folder, 'atom.xml'))
  compare(join(folder, 'atom.xml'), (atom.entries ?? []).map((entry) => entry.id), wanted)
  counts.atom += 1
}

/** Follows every feed the OPML names. */
function checkOpml() {
  for (const outline of flatten(parseOpml(read('feeds.opml')).body?.outlines)) {
    if (!outline.xmlUrl) continue
    counts.outlines += 1
    const path = decodeURIComponent(outline.xmlUrl.replace(site, ''))
    if (!outline.xmlUrl.startsWith(site) || !existsSync(join(out, path))) {
      faults.push(`feeds.opml: ${outline.xmlUrl} names no feed`)
    }
  }
}

const feeds = readdirSync(out, { recursive: true }).filter((path) => /(^|\/)feed\.json$/.test(path))
for (const path of feeds) {
  try {
    checkChannel(dirname(path))
  } catch (error) {
    faults.push(`${dirname(path)}: ${error.message}`)
  }
}
try {
  checkOpml()
} catch (error) {
  faults.push(`feeds.opml: ${error.message}`)
}
for (const [kind, count] of Object.entries(counts)) {
  if (count === 0) faults.push(`no ${kind} to check`)
}
for (const fault of faults) console.error(`feedsmith: ${fault}`)
const checked = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`)
console.log(`feedsmith: ${checked.join(', ')} checked, ${faults.length} faults`)
process.exitCode = faults.length > 0 ? 1 : 0
