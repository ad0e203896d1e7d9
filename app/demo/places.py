"""Where the sample people live, and what people are called there."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from app.domain.fields import Gender


@dataclass(frozen=True)
class Resident:
    """Somebody who lives in a place; `mailbox` is the name as ASCII writes it: `ada.lovelace`."""

    name: str
    mailbox: str
    gender: Gender
    phone: str


@dataclass(frozen=True)
class Place:
    """A city and five women's, five men's and nine family names from its country.

    A name that accents alone do not part from ASCII has its ASCII form after a slash. Mobile
    numbers count up from `phone`: one set aside for fiction, or libphonenumber's example.
    """

    country: str
    region: str
    city: str
    latitude: float
    longitude: float
    timezone: str
    language: str
    phone: int
    women: str
    men: str
    families: str
    name: str = "{given} {family}"

    def resident(self, number: int) -> Resident:
        """Return a resident, another for each number from 0 to 8."""
        gender, names = (Gender.MALE, self.men) if number % 2 else (Gender.FEMALE, self.women)
        given = names.split()[number // 2]
        family = self.families.split()[number]
        return Resident(
            name=self.name.format(given=given.split("/")[0], family=family.split("/")[0]),
            mailbox=f"{_ascii(given)}.{_ascii(family)}",
            gender=gender,
            phone=f"+{self.phone + number}",
        )

    def location(self) -> dict[str, str | float]:
        return {
            "country": self.country,
            "region": self.region,
            "city": self.city,
            "latitude": self.latitude,
            "longitude": self.longitude,
        }


def _ascii(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.split("/")[-1])
    return letters.encode("ascii", "ignore").decode().lower()


PLACES: Final = (
    Place(
        "GB", "England", "London", 51.5074, -0.1278,
        "Europe/London", "en-GB", 447400123456,
        "Harriet Imogen Priya Zoe Beatrice", "Callum Rhys Tariq Edmund Joel",
        "Ashworth Bennett Chaudhry Dunmore Ellery Fairbank Goddard Hartley Okafor",
    ),
    Place(
        "US", "Texas", "Austin", 30.2672, -97.7431,
        "America/Chicago", "en-US", 12015550120,
        "Madison Destiny Hannah Luz Naomi", "Tyler Marcus Caleb Diego Wesley",
        "Abbott Brooks Castillo Dawson Emerson Fletcher Greene Hayes Irving",
    ),
    Place(
        "CA", "Quebec", "Montréal", 45.5019, -73.5674,
        "America/Toronto", "fr-CA", 15065550120,
        "Maude Océane Noémie Florence Sarah", "Félix Olivier Zachary Étienne Samuel",
        "Bélanger Côté Desrosiers Fortin Gagnon Lachance Pelletier Tremblay Vaillancourt",
    ),
    Place(
        "MX", "Jalisco", "Guadalajara", 20.6597, -103.3496,
        "America/Mexico_City", "es-MX", 522221234567,
        "Ximena Regina Valeria Fernanda Citlali", "Emiliano Santiago Iker Rodrigo Leonel",
        "Aguilar Barragán Cárdenas Domínguez Escobedo Fuentes Gallardo Ibarra Zúñiga",
    ),
    Place(
        "BR", "Pernambuco", "Recife", -8.0476, -34.877,
        "America/Recife", "pt-BR", 5511961234567,
        "Larissa Antônia Bruna Jéssica Thaís", "João Caio Murilo Vinícius Renan",
        "Almeida Barbosa Cavalcanti Duarte Esteves Figueiredo Guimarães Lacerda Nóbrega",
    ),
    Place(
        "AR", "Córdoba", "Córdoba", -31.4201, -64.1888,
        "America/Argentina/Cordoba", "es-AR", 5491123456789,
        "Agustina Milagros Rocío Camila Julieta", "Thiago Facundo Lautaro Nahuel Tomás",
        "Acosta Benítez Cabrera Ferreyra Godoy Ledesma Peralta Quiroga Villalba",
    ),
    Place(
        "DE", "Sachsen", "Leipzig", 51.3397, 12.3731,
        "Europe/Berlin", "de-DE", 491713920010,
        "Greta Jördis Annika Wiebke Selin", "Jonas Björn Malte Henrik Cem",
        "Albrecht Böhme Dietrich Engelhardt Förster Großmann/Grossmann Hübner Kästner "
        "Yıldız/Yildiz",
    ),
    Place(
        "CH", "Bern", "Bern", 46.948, 7.4474,
        "Europe/Zurich", "de-CH", 41781234567,
        "Seraina Lena Ursina Vreni Mirjam", "Reto Beat Luca Gian Lukas",
        "Aebischer Brunner Caflisch Egger Flückiger Gerber Hunziker Inäbnit Zbinden",
    ),
    Place(
        "FR", "Auvergne-Rhône-Alpes", "Lyon", 45.764, 4.8357,
        "Europe/Paris", "fr-FR", 33612345678,
        "Chloé Manon Inès Margaux Aïcha", "Hugo Théo Mathis Bastien Karim",
        "Aubert Besson Chevalier Delmas Faure Guérin Haddad Lacroix Perrin",
    ),
    Place(
        "ES", "Andalucía", "Sevilla", 37.3891, -5.9845,
        "Europe/Madrid", "es-ES", 34612345678,
        "Lucía Carmen Nerea Macarena Alba", "Álvaro Hugo Iván Joaquín Pablo",
        "Arroyo Bermejo Carrasco Espinosa Gálvez Herrera Iglesias Montero Núñez",
    ),
    Place(
        "IT", "Piemonte", "Torino", 45.0703, 7.6869,
        "Europe/Rome", "it-IT", 393123456789,
        "Giulia Beatrice Martina Elisa Noemi", "Lorenzo Davide Matteo Nicolò Elia",
        "Amato Bianchi Colombo Dellacorte Esposito Fontana Gallo Marchetti Vitale",
    ),
    Place(
        "NL", "Utrecht", "Utrecht", 52.0907, 5.1214,
        "Europe/Amsterdam", "nl-NL", 31612345678,
        "Femke Sanne Lotte Yasmin Maartje", "Daan Sjoerd Bram Ruben Thijs",
        "Aalbers Bakker Dijkstra Elzinga Hoekstra Kuipers Mulder Postma Veenstra",
    ),
    Place(
        "SE", "Västra Götaland", "Göteborg", 57.7089, 11.9746,
        "Europe/Stockholm", "sv-SE", 46701740610,
        "Ebba Saga Linnéa Åsa Märta", "Axel Björn Måns Östen Viktor",
        "Ahlgren Bergström Dahlin Ekdahl Forsberg Hedlund Kjellberg Nyström Wikström",
    ),
    Place(
        "PL", "Małopolskie", "Kraków", 50.0647, 19.945,
        "Europe/Warsaw", "pl-PL", 48512345678,
        "Zuzanna Kinga Jagoda Małgorzata/Malgorzata Oliwia",
        "Kacper Łukasz/Lukasz Wojciech Miłosz/Milosz Szymon",
        "Adamczyk Baran Czajka Duda Gołąb/Golab Jaworek Kubiak Mazur Wrona",
    ),
    Place(
        "GR", "Κεντρική Μακεδονία", "Θεσσαλονίκη", 40.6401, 22.9444,
        "Europe/Athens", "el-GR", 306912345678,
        "Ελένη/Eleni Δήμητρα/Dimitra Σοφία/Sofia Ζωή/Zoi Άννα/Anna",
        "Γιώργος/Giorgos Νίκος/Nikos Πέτρος/Petros Στέλιος/Stelios Ηλίας/Ilias",
        "Ιωάννου/Ioannou Γεωργίου/Georgiou Παύλου/Pavlou Μάρκου/Markou Νικολάου/Nikolaou "
        "Αλεξίου/Alexiou Χρήστου/Christou Στεφάνου/Stefanou Αντωνίου/Antoniou",
    ),
    Place(
        "UA", "Львівська область", "Львів", 49.8397, 24.0297,
        "Europe/Kyiv", "uk-UA", 380501234567,
        "Оксана/Oksana Соломія/Solomiia Ірина/Iryna Дарина/Daryna Леся/Lesia",
        "Тарас/Taras Андрій/Andrii Богдан/Bohdan Назар/Nazar Юрій/Yurii",
        "Шевчук/Shevchuk Коваленко/Kovalenko Мельник/Melnyk Ткачук/Tkachuk Гончар/Honchar "
        "Кравець/Kravets Лисенко/Lysenko Бондар/Bondar Савчук/Savchuk",
    ),
    Place(
        "TR", "İzmir", "İzmir", 38.4237, 27.1428,
        "Europe/Istanbul", "tr-TR", 905012345678,
        "Elif Zeynep Işıl/Isil Defne Gül", "Emre Kaan Barış/Baris Ömer Yiğit",
        "Aydın/Aydin Bozkurt Çelik Demir Erdoğdu Güneş Karaca Öztürk Şahin",
    ),
    Place(
        "EG", "القاهرة", "القاهرة", 30.0444, 31.2357,
        "Africa/Cairo", "ar-EG", 201001234567,
        "نور/Nour مريم/Mariam سلمى/Salma ياسمين/Yasmine هبة/Heba",
        "أحمد/Ahmed عمر/Omar كريم/Karim يوسف/Youssef طارق/Tarek",
        "حسن/Hassan منصور/Mansour فريد/Farid سليم/Selim شاهين/Shahin "
        "نجيب/Naguib رمزي/Ramzy عزيز/Aziz زكي/Zaki",
    ),
    Place(
        "NG", "Lagos", "Lagos", 6.5244, 3.3792,
        "Africa/Lagos", "en-NG", 2348021234567,
        "Adaeze Folake Ngozi Temitope Zainab", "Chinedu Babatunde Emeka Kunle Musa",
        "Abiola Balogun Chukwu Danjuma Eze Fashola Nwosu Ogunleye Uzoma",
    ),
    Place(
        "KE", "Nairobi", "Nairobi", -1.2921, 36.8219,
        "Africa/Nairobi", "sw-KE", 254712123456,
        "Wanjiku Achieng Nyambura Halima Chebet", "Kamau Otieno Kiprop Mwangi Juma",
        "Barasa Cheruiyot Gitau Kariuki Langat Macharia Njoroge Omondi Wafula",
    ),
    Place(
        "IN", "Maharashtra", "Pune", 18.5204, 73.8567,
        "Asia/Kolkata", "hi-IN", 918123456789,
        "Ananya Kavya Meera Ishita Sneha", "Aarav Rohan Vikram Arjun Kabir",
        "Bhosale Chavan Deshpande Gokhale Iyer Joshi Kulkarni Mehta Shaikh",
    ),
    Place(
        "JP", "大阪府", "大阪市", 34.6937, 135.5023,
        "Asia/Tokyo", "ja-JP", 819012345678,
        "結衣/Yui 陽菜/Hina 美咲/Misaki 葵/Aoi 紗良/Sara",
        "蓮/Ren 大翔/Hiroto 悠斗/Yuto 健太/Kenta 海斗/Kaito",
        "佐藤/Sato 鈴木/Suzuki 高橋/Takahashi 田中/Tanaka 渡辺/Watanabe "
        "伊藤/Ito 山本/Yamamoto 中村/Nakamura 小林/Kobayashi",
        "{family} {given}",
    ),
    Place(
        "KR", "부산광역시", "부산", 35.1796, 129.0756,
        "Asia/Seoul", "ko-KR", 821020000000,
        "서연/Seoyeon 지우/Jiwoo 하은/Haeun 민서/Minseo 수아/Sua",
        "도윤/Doyun 시우/Siwoo 준호/Junho 현우/Hyunwoo 민재/Minjae",
        "김/Kim 이/Lee 박/Park 최/Choi 정/Jung 강/Kang 조/Cho 윤/Yoon 임/Lim",
        "{family}{given}",
    ),
    Place(
        "AU", "Tasmania", "Hobart", -42.8821, 147.3272,
        "Australia/Hobart", "en-AU", 61412345678,
        "Matilda Kirra Georgia Tahlia Ruby", "Lachlan Cooper Angus Jarrah Minh",
        "Atkins Birch Carlisle Drummond Everett Flanagan Hollis Nguyen Prescott",
    ),
)  # fmt: skip
