"""Does gaze help pre-training? Every arm, every seed, one command.

    python -m benchmarks.study                  # go on with the phantom's study, write the report
    python -m benchmarks.study --scale smoke    # some seconds: does everything run?
    python -m benchmarks.study --list           # which arms there are, and how far they are
    python -m benchmarks.study --data kvasir --folder DIR                 # real images: polyps
    python -m benchmarks.study --data cub --folder DIR --arms "C-simclr*" # birds, some arms
    python -m benchmarks.study --data osie --folder DIR --scale gpu       # photographs, 224 px, on a card

An arm is a framework with or without gaze; a cell is an arm and a seed. Each finished cell is one
JSON file; whatever ends a run, the next one goes on with the cells that are missing.
"""
