#!/usr/bin/perl
# A complete matcher in another language for the `process` backend (option format = "ppm"): the mean brightness of 4 x 4 blocks.
# It recognises nobody; it shows every line of the protocol that a program must speak (see process.py). Perl 5.14 or later, no other package.
use strict;
use warnings;
use JSON::PP;

$| = 1;                                              # an answer must leave at once, not when a buffer is full
my $json = JSON::PP->new->canonical;

sub brightness {                                     # the file's 16 block means, or undef: PPM is "P6 width height 255", then RGB bytes
    my ($path) = @_;
    open(my $file, '<:raw', $path) or return undef;
    local $/;
    my $data = <$file>;
    return undef unless $data =~ /\AP6\s+(\d+)\s+(\d+)\s+255\s/;
    my ($width, $height, $start) = ($1, $2, $+[0]);
    my (@sum, @count);
    for my $y (0 .. $height - 1) {
        my @row = unpack("C*", substr($data, $start + 3 * $width * $y, 3 * $width));
        for my $x (0 .. $width - 1) {
            my $block = 4 * int(4 * $y / $height) + int(4 * $x / $width);
            $sum[$block] += ($row[3 * $x] + $row[3 * $x + 1] + $row[3 * $x + 2]) / 3;
            $count[$block]++;
        }
    }
    return [map { $sum[$_] / $count[$_] } 0 .. 15];
}

sub distance {
    my ($a, $b) = @_;
    my $sum = 0;
    $sum += ($a->[$_] - $b->[$_])**2 for 0 .. 15;
    return sqrt($sum);
}

while (my $line = <STDIN>) {
    my $question = $json->decode($line);
    my $answer;
    if (exists $question->{hello}) {
        $answer = {
            hello => 1, name => "block_means.pl", version => "1", product => "an example", licence => "Apache-2.0", training_data => "none",
            dimensions => 16, measure => "euclidean", low => -1020, high => 0, default_threshold => 20, unit => "distance",
        };                                           # 1020 = 255 * sqrt(16), the largest distance that can be
    }
    elsif (exists $question->{image}) {
        my $template = brightness($question->{image});
        my $dark = $template && !grep { $_ > 8 } @$template;
        $answer
            = !$template ? { status => "UNREADABLE", reason => "not a PPM file" }
            : $dark      ? { status => "NO_FACE", reason => "nothing but darkness" }
            :              { status => "ACQUIRED", template => $template, faces => 1 };
    }
    else {
        my ($a, $b) = map { brightness($_) } @{ $question->{images} };
        $answer = $a && $b ? { score => distance($a, $b) } : { status => "UNREADABLE", reason => "not a PPM file" };
    }
    $answer->{id} = $question->{id} if exists $question->{id};
    print $json->encode($answer), "\n";
}
