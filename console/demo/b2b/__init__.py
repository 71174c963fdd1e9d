"""The demo of a business that sells software to companies: who works there, what they pay, and who leaves."""
