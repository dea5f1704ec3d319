"""Ways to tell people, a file each. A channel is its options plus one verb, as a prober is."""
