"""What brings the app to Azure."""
