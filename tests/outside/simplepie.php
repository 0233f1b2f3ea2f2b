<?php
// Reads every RSS and Atom feed with SimplePie, the parser below FreshRSS and WordPress.
//
// Usage: php simplepie.php OUT SITE
//
// Each must parse without complaint, and name the ids, titles and links of the channel's JSON Feed in
// its order, each entry with a text. Debian's SimplePie (libphp-simplepie) is older than PHP 8: it
// warns of itself, and cannot read a date there, so dates are left to the other parsers.

declare(strict_types=1);

error_reporting(E_ALL & ~E_DEPRECATED);
require '/usr/share/php/simplepie/autoloader.php';

/** Ids, titles and links of a feed as SimplePie reads it. */
function rows(string $path): array
{
    $feed = new SimplePie();
    $feed->enable_cache(false);
    $feed->enable_order_by_date(false);
    $feed->set_raw_data(file_get_contents($path));
    if (!$feed->init()) {
        throw new RuntimeException((string) $feed->error());
    }
    $row = function (SimplePie_Item $item): array {
        // A title is handed out as HTML.
        $title = html_entity_decode((string) $item->get_title(), ENT_QUOTES | ENT_HTML5, 'UTF-8');
        if ((string) $item->get_content() === '') {
            throw new RuntimeException($item->get_id() . ' has no text');
        }
        return [$item->get_id(), $title, html_entity_decode((string) $item->get_permalink())];
    };
    return array_map($row, $feed->get_items());
}

[, $out, $site] = $argv;
$faults = [];
$counts = ['feeds' => 0, 'entries' => 0];
$files = new RecursiveIteratorIterator(new RecursiveDirectoryIterator($out, FilesystemIterator::SKIP_DOTS));
foreach ($files as $file) {
    if ($file->getFilename() !== 'feed.json') {
        continue;
    }
    $json = json_decode(file_get_contents($file->getPathname()), true, 64, JSON_THROW_ON_ERROR);
    $wanted = array_map(fn (array $item): array => [$item['id'], $item['title'], $item['url']], $json['items']);
    foreach (['rss.xml', 'atom.xml'] as $name) {
        $path = $file->getPath() . '/' . $name;
        try {
            $found = rows($path);
        } catch (Throwable $error) {
            $faults[] = "$path: {$error->getMessage()}";
            continue;
        }
        if ($found !== $wanted) {
            $place = array_key_first(array_filter($wanted, fn ($row, $at) => $row !== ($found[$at] ?? null), ARRAY_FILTER_USE_BOTH));
            $faults[] = "$path: " . json_encode([$found[$place] ?? null, $wanted[$place] ?? null], JSON_UNESCAPED_UNICODE);
        }
        $counts['feeds'] += 1;
        $counts['entries'] += count($found);
    }
}
foreach (array_slice($faults, 0, 20) as $fault) {
    fwrite(STDERR, "simplepie: $fault\n");
}
printf("simplepie: %d feeds, %d entries, %d faults\n", $counts['feeds'], $counts['entries'], count($faults));
exit($faults === [] && $counts['entries'] > 0 ? 0 : 1);
