"""Makes reports of cases and patients as PDF. Fed by the bus."""
