"""What is examined, when and for whom: exams, blueprints, forms, cut scores, administrations, registrations."""
