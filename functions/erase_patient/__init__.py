"""Erases patients, and goes over it a second time. Fed by its queue, and looked after by a schedule."""
