"""Pictures of what a finding rests on. Called by the API when somebody asks for them."""
