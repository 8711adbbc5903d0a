"""Which language: script where it settles it, several voices where it does not."""

import pytest

from pipeline.enrich.language import identify


@pytest.mark.parametrize(
    ("code", "text"),
    [
        pytest.param("es", "Detenidos dos periodistas en Managua", id="a few words of Spanish"),
        pytest.param("nl", "Noodtoestand in Peru uitgeroepen", id="Dutch by its participle, not Afrikaans"),
        pytest.param("af", "Noodtoestand in Peru, maar die president sê hy gaan bly", id="Afrikaans, not Dutch"),
        pytest.param("pt", "Fronteira com a Venezuela reaberta", id="a few words of Portuguese"),
        pytest.param("it", "Colpito un convoglio a Tripoli", id="a few words of Italian"),
        pytest.param(
            "mk", "Пред самиот почеток на средбата, салата беше испразнета од полицијата.", id="Macedonian, without ј"
        ),
        pytest.param("kk", "Билік өкілдері жиналыс кезінде бейбіт тұрғындармен кездесті.", id="Kazakh, short"),
        pytest.param("uk", "Міністерство закликало мешканців міста не виходити на вулицю до ранку.", id="Ukrainian"),
        pytest.param("ru", "Министерство призвало жителей города не выходить на улицу до утра.", id="Russian"),
        pytest.param("be", "Міністэрства заклікала жыхароў горада не выходзіць на вуліцу ўвечары.", id="Belarusian"),
        pytest.param("bg", "Министерството призова жителите на града да не излизат на улицата.", id="Bulgarian"),
        pytest.param("sr", "Министарство је позвало грађане да не излазе из својих кућа до јутра.", id="Serbian"),
        pytest.param(
            "sr", "Predsednik je rekao da je izveštaj gotov i da će ga narednih dana poslati.", id="Serbian, Latin"
        ),
        pytest.param("mk", "Министерството ги повика граѓаните да не излегуваат од куќите до утро.", id="Macedonian"),
        pytest.param("kk", "Министрлік қала тұрғындарын таңға дейін көшеге шықпауға шақырды.", id="Kazakh"),
        pytest.param(
            "az", "Nazirlik şəhər sakinlərini səhərə qədər küçəyə çıxmamağa çağırıb.", id="Azerbaijani, not Turkish"
        ),
        pytest.param("tr", "Bakanlık şehir sakinlerini sabaha kadar sokağa çıkmamaya çağırdı.", id="Turkish"),
        pytest.param("ka", "სამინისტრომ მოსახლეობას მოუწოდა, ქუჩაში არ გავიდნენ.", id="Georgian"),
        pytest.param("hy", "Նախարարությունը կոչ է արել բնակիչներին դուրս չգալ փողոց։", id="Armenian"),
        pytest.param("el", "Το υπουργείο κάλεσε τους κατοίκους να μη βγουν στους δρόμους.", id="Greek"),
        pytest.param("he", "המשרד קרא לתושבים שלא לצאת לרחוב עד הבוקר.", id="Hebrew"),
        pytest.param("ar", "دعت الوزارة سكان المدينة إلى عدم الخروج إلى الشوارع حتى الصباح.", id="Arabic"),
        pytest.param("fa", "وزارتخانه از ساکنان شهر خواست تا صبح به خیابان نروند و گزارش دهند.", id="Persian"),
        pytest.param("ur", "وزارت نے شہر کے لوگوں سے صبح تک گھروں میں رہنے کی اپیل کی ہے۔", id="Urdu"),
        pytest.param("zh", "该部呼吁市民在早晨之前不要上街。", id="Chinese"),
        pytest.param("ja", "同省は市民に対し、朝まで外出しないよう呼びかけた。", id="Japanese"),
        pytest.param("ko", "정부는 시민들에게 아침까지 외출하지 말라고 당부했다.", id="Korean"),
        pytest.param("hi", "मंत्रालय ने शहर के लोगों से सुबह तक घर में रहने की अपील की।", id="Hindi"),
        pytest.param(
            "de", "Das Ministerium rief die Bewohner der Stadt auf, bis zum Morgen im Haus zu bleiben.", id="German"
        ),
        pytest.param("und", "12:30 — 45 %", id="no letters at all"),
    ],
)
def test_identify(code: str, text: str) -> None:
    assert identify("", text).code == code


def test_a_title_in_another_language_does_not_flip_a_document() -> None:
    body = "Les ministres se sont réunis lundi soir pour examiner le budget de la défense. " * 8
    assert identify("Breaking news from the capital", body).code == "fr"


def test_the_same_text_always_gets_the_same_answer() -> None:
    text = "mesto predseda pisma"
    assert len({identify("", text) for _ in range(5)}) == 1


@pytest.mark.parametrize(
    ("code", "body"),
    [
        pytest.param(
            "uk",
            "Посол Чилі залишив місто ввечері після зустрічі в міністерстві. «Мы уезжаем ненадолго, потому что "
            "идут ремонтные работы, и вернёмся весной», — сказав він. Посольство працюватиме у звичайному режимі.",
            id="Russian words in Ukrainian",
        ),
        pytest.param(
            "fr",
            "Le ministre a déclaré au parlement que la frontière resterait fermée. « We will not open it before the "
            "summer, and we will not discuss it any further with anybody », a répondu son collègue. On votera.",
            id="English words in French",
        ),
        pytest.param(
            "sv",
            "Ministern kom sent till mötet och gick tidigt. ”Wir haben alles gesagt, was zu sagen war, und mehr wird "
            "es heute nicht geben”, sade hon på vägen ut till bilen. Tidningarna hade väntat i tre timmar därute.",
            id="German words in Swedish",
        ),
        pytest.param(
            "en",
            "The embassy of Chile closes on Monday for repairs and opens again in May, the ministry said in a "
            "statement to the press, adding that visas would be issued in the next town.\n\n"
            "Посольство Чили закрывается в понедельник на ремонт и откроется в мае.",
            id="the longer half of a page in two languages",
        ),
    ],
)
def test_words_in_another_language_do_not_flip_a_document(code: str, body: str) -> None:
    assert identify("", body).code == code
