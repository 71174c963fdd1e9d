"""The conditions of segments and alerts: how a plan writes them, how they are evaluated, when silence turns them."""
