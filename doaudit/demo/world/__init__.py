"""The simulated account itself: what it holds, its clock, its limits and its faults; pure, without HTTP."""
