fun numericalLetterGrade(grades: ArrayList<Float>): ArrayList<String> {
    val steps = listOf(
        3.7f to "A", 3.3f to "A-", 3.0f to "B+", 2.7f to "B", 2.3f to "B-", 2.0f to "C+",
        1.7f to "C", 1.3f to "C-", 1.0f to "D+", 0.7f to "D", 0.0f to "D-"
    )
    val letters = ArrayList<String>()
    for (grade in grades) {
        letters.add(if (grade == 4.0f) "A+" else steps.firstOrNull { grade > it.first }?.second ?: "E")
    }
    return letters
}
