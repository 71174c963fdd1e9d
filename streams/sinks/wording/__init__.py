"""What people read of alerts in chats and mails, made once for all kinds of sinks, in their language."""
