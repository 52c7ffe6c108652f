pub fn numerical_letter_grade(grades: Vec<f32>) -> Vec<String> {
    let steps = [3.7, 3.3, 3.0, 2.7, 2.3, 2.0, 1.7, 1.3, 1.0, 0.7, 0.0];
    let letters = ["A", "A-", "B+", "B", "B-", "C+", "C", "C-", "D+", "D", "D-"];
    let mut result = Vec::new();
    for grade in grades {
        let mut letter = "E";
        for i in (0..steps.len()).rev() {
            if grade > steps[i] {
                letter = letters[i];
            }
        }
        if grade == 4.0 {
            letter = "A+";
        }
        result.push(letter.to_string());
    }
    result
}
