"""AWS behind the ports of `services`. The only place in the library that imports boto3 or PynamoDB."""
