"""What people change about who is who: linking, splitting, erasing, handing over."""
